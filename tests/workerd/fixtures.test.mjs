// Delivers every payload in tests/fixtures/clerk-events byte for byte, and checks its answer, its
// outcome and its row.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { fixtures } from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { start } from "./support/system.mjs";

const OPENAPI = "openapi-2025-04-15";
const ADA = "user_2vX11zP5ojq7cTRY58xT6oJaaaa";
const GONE = { deleted: 1, updated_at: 0, event_at: 0, projection: 0, digest: "" };

/**
 * The synced events, in the order in which they happened. The events of one round are delivered
 * together; each round is settled before the next.
 */
const ROUNDS = [
  {
    "docs/user.created.json": applied("users", "user_29w83sxmDNGwOuEthce5gg56FcC", {
      email: "example@example.org",
    }),
    [`${OPENAPI}/user.created.json`]: applied("users", "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S", {
      email: null,
      updated_at: 1716883200000,
      // The example has seconds.
      event_at: 1716883200000,
    }),
    [`${OPENAPI}/organization.created.json`]: applied(
      "organizations",
      "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      { deleted: 0, updated_at: 1716883200000 },
    ),
    [`${OPENAPI}/role.created.json`]: applied("org_roles", "role_2g7np7Hrk0SN6kj5EDMLDaKNL0S", {
      key: "org:content_manager",
    }),
    [`${OPENAPI}/permission.created.json`]: applied(
      "org_permissions",
      "perm_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      { key: "org:posts:create" },
    ),
    "derived/user.deleted.no-id.json": { outcome: "parked", reason: "no-subject" },
  },
  {
    // The same update with less precise times: an older state.
    "derived/user.created.minimal-envelope.json": duplicate("users", ADA, {
      event_at: 1744276393644,
    }),
    [`${OPENAPI}/user.updated.json`]: applied("users", "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S", {
      updated_at: 1716883500000,
    }),
    [`${OPENAPI}/organization.updated.json`]: applied(
      "organizations",
      "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      { updated_at: 1716883500000 },
    ),
    // Its key has no `org:`.
    [`${OPENAPI}/role.updated.json`]: applied("org_roles", "role_2g7np7Hrk0SN6kj5EDMLDaKNL0S", {
      key: "org:editor",
    }),
    [`${OPENAPI}/permission.updated.json`]: applied(
      "org_permissions",
      "perm_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      { updated_at: 1716883500000 },
    ),
  },
  {
    "derived/user.created.seconds-timestamp.json": duplicate("users", ADA, {
      event_at: 1744276393644,
    }),
    [`${OPENAPI}/user.deleted.json`]: applied("users", "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S", GONE),
    [`${OPENAPI}/organization.deleted.json`]: applied(
      "organizations",
      "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      GONE,
    ),
    [`${OPENAPI}/role.deleted.json`]: applied(
      "org_roles",
      "role_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      GONE,
    ),
    [`${OPENAPI}/permission.deleted.json`]: applied(
      "org_permissions",
      "perm_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      GONE,
    ),
  },
  {
    // Its times are those of the first fixture: the digest decides, in any order.
    "derived/user.created.no-email.json": applied("users", ADA, { email: null, deleted: 0 }),
  },
  {
    "derived/user.updated.primary-not-first.json": applied("users", ADA, {
      email: "new-primary@example.com",
    }),
    [`${OPENAPI}/organizationMembership.created.json`]: member("org:member"),
  },
  {
    "derived/user.updated.banned.json": applied("users", ADA, { banned: 1 }),
    [`${OPENAPI}/organizationMembership.updated.json`]: member("org:admin"),
  },
  {
    [`${OPENAPI}/organizationMembership.deleted.json`]: applied(
      "memberships",
      "orgmem_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
      { ...GONE, user_id: "", org_id: "" },
    ),
  },
];

function applied(table, id, columns) {
  return { outcome: "applied", table, id, columns };
}

function duplicate(table, id, columns) {
  return { outcome: "duplicate", table, id, columns };
}

function member(role) {
  return applied("memberships", "orgmem_2g7np7Hrk0SN6kj5EDMLDaKNL0S", {
    role,
    org_id: "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
    user_id: "user_2h8op3Isl1QR7tKu5FGNfaLKEoU",
    deleted: 0,
  });
}

/** Delivered before all others. */
const FIRST = "captured/user.created.2025-04.anonymised.json";

describe("the fixtures", () => {
  const all = new Map(fixtures().map((fixture) => [fixture.file, fixture]));
  const synced = ROUNDS.flatMap(Object.keys);
  let system;

  before(async () => {
    system = await start({ ingest: true, consumer: true, durable: true });
  });
  after(() => system?.stop());

  async function delivered(file) {
    const { bytes } = all.get(file);
    const answer = await deliver(system.ingest, bytes);
    assert.equal(answer.status, 202, file);
    assert.deepEqual(JSON.parse(answer.text), { id: answer.id }, file);
    return answer;
  }

  it("F-15 of types that are not synced are accepted and leave nothing", async () => {
    const ignored = [...all.keys()].filter((file) => file !== FIRST && !synced.includes(file));
    assert.deepEqual(synced.filter((file) => !all.has(file)), [], "files that are not there");
    assert.ok(20 < ignored.length, `${ignored.length} files of types that are not synced`);
    const answers = await Promise.all(ignored.map(delivered));
    // Later deliveries in the queue are settled; these would be before them.
    await system.waitForOutcome(await delivered(FIRST));
    const ids = answers.map(({ id }) => id);
    const text = "SELECT * FROM deliveries WHERE svix_id IN (SELECT value FROM json_each(?1))";
    assert.deepEqual(await system.sql(text, JSON.stringify(ids)), []);
    assert.deepEqual(await system.sql("SELECT * FROM dead_letters"), []);
    const times = { updated_at: 1744276393626, event_at: 1744276393644 };
    const person = { email: "person@example.com", banned: 0, app_roles: "[]", deleted: 0 };
    await leaves(FIRST, applied("users", ADA, { ...person, ...times }));
  });

  it("of synced types leave their rows", async () => {
    for (const round of ROUNDS) {
      const answers = await Promise.all(Object.keys(round).map(delivered));
      const outcomes = await Promise.all(answers.map((answer) => system.waitForOutcome(answer)));
      for (const [i, [file, want]] of Object.entries(round).entries()) {
        assert.equal(outcomes[i].outcome, want.outcome, file);
        assert.equal(outcomes[i].type, all.get(file).event.type, file);
        if (want.table) await leaves(file, want);
        if (want.reason) {
          const letter = await system.waitForDeadLetter(answers[i]);
          assert.equal(letter.reason, want.reason, file);
          assert.equal(letter.type, all.get(file).event.type, file);
        }
      }
    }
  });

  async function leaves(file, { table, id, columns }) {
    const row = await system.row(`SELECT * FROM ${table} WHERE id = ?1`, id);
    const got = Object.fromEntries(Object.keys(columns).map((name) => [name, row?.[name]]));
    assert.deepEqual(got, columns, file);
  }
});
