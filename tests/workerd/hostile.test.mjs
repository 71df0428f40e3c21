// F-14, F-15: hostile JSON, and JSON of newer versions. Ingest answers as documented, no Worker
// crashes, and the next delivery is accepted.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver, send } from "./support/delivery.mjs";
import { start } from "./support/system.mjs";

/** Larger than every body here: bodies are rejected for their content, not for their size. */
const BODY_BYTES_MAX = String(4 * 1024 * 1024);

const DEEP = 10_000;
const nested = (open, close, core = "") => `${open.repeat(DEEP)}${core}${close.repeat(DEEP)}`;

/** Ten thousand levels of each kind. */
const DEEP_ARRAY = nested("[", "]");
const DEEP_OBJECT = nested('{"a":', "}", "1");

/** A million digits, before and after the point, and in the exponent. */
const DIGITS = "9".repeat(1_000_000);

describe("hostile JSON", () => {
  let system;

  before(async () => {
    const ingest = { vars: { BODY_BYTES_MAX } };
    system = await start({ ingest, consumer: true, durable: true });
  });
  after(() => system?.stop());

  const plain = (id) => JSON.stringify(clerk.user(id, { updated_at: 1_700_000_000_000 }));

  /** A user event with another value in one place. */
  function with_(id, find, put) {
    const text = plain(id);
    const changed = text.replace(find, put);
    assert.notEqual(changed, text, `${find} is not in the fixture`);
    return changed;
  }

  /** Checks that the next delivery is applied, and that no Worker was restarted. */
  async function goesOn() {
    assert.equal((await send(system.ingest, { method: "GET" }, "/healthz")).status, 200);
    const next = await deliver(system.ingest, plain(clerk.newId("user")));
    assert.equal((await system.waitForOutcome(next)).outcome, "applied");
    assert.doesNotMatch(system.logs(), /Critical|Reinitializing|RuntimeError|panicked/);
  }

  /** Delivers each, and checks the reason of its dead letter, or its outcome. */
  async function become(cases) {
    const taken = [];
    for (const [name, make, want] of cases) {
      const id = clerk.newId("user");
      const answer = await deliver(system.ingest, make(id));
      assert.equal(answer.status, 202, name);
      taken.push({ name, answer, want });
    }
    const found = [];
    for (const { name, answer } of taken) {
      const { outcome } = await system.waitForOutcome(answer);
      const isParked = outcome === "parked";
      found.push([name, isParked ? (await system.waitForDeadLetter(answer)).reason : outcome]);
    }
    assert.deepEqual(found, taken.map(({ name, want }) => [name, want]));
    await goesOn();
  }

  const METADATA = '"public_metadata":{}';
  const UNREAD = '"private_metadata":';
  const UPDATED = '"updated_at":1700000000000';

  it("F-14 nested ten thousand deep is parked in required fields, and skipped elsewhere", () =>
    become([
      ["only arrays", () => DEEP_ARRAY, "shape"],
      ["only objects", () => DEEP_OBJECT, "shape"],
      ["never closed", () => "[".repeat(100_000), "shape"],
      [
        "in a required field",
        (id) => with_(id, UPDATED, `"updated_at":${DEEP_ARRAY}`),
        "shape",
      ],
      [
        "in the metadata",
        (id) => with_(id, METADATA, `"public_metadata":${DEEP_ARRAY}`),
        "applied",
      ],
      [
        "in a list of roles",
        (id) => with_(id, METADATA, `"public_metadata":{"roles":${DEEP_ARRAY}}`),
        "applied",
      ],
      ["in an unused field", (id) => with_(id, UNREAD, `"x":${DEEP_OBJECT},${UNREAD}`), "applied"],
      ["beside the data", (id) => with_(id, '"type":', `"x":${DEEP_OBJECT},"type":`), "applied"],
      ["as the type", (id) => with_(id, '"type":"user.created"', `"type":${DEEP_ARRAY}`), "shape"],
    ]));

  it("F-14 with numbers of a million digits is parked in fields that are parsed", () =>
    become([
      ["an integer", (id) => with_(id, UPDATED, `"updated_at":${DIGITS}`), "shape"],
      ["a fraction", (id) => with_(id, UPDATED, `"updated_at":0.${DIGITS}`), "shape"],
      ["an exponent", (id) => with_(id, UPDATED, `"updated_at":1e${DIGITS}`), "shape"],
      ["a negative exponent", (id) => with_(id, UPDATED, `"updated_at":1e-${DIGITS}`), "shape"],
      ["in an unused field", (id) => with_(id, UNREAD, `"x":0.${DIGITS},${UNREAD}`), "applied"],
    ]));

  it("F-14 with lone surrogates and duplicate keys is parked in required fields", () =>
    become([
      ["high surrogate", (id) => with_(id, id, "user_\\ud800"), "shape"],
      ["low surrogate", (id) => with_(id, METADATA, '"public_metadata":{"role":"\\udc00"}'), "applied"],
      [
        "two in the wrong order",
        (id) => with_(id, METADATA, '"public_metadata":{"role":"\\udc00\\ud800"}'),
        "applied",
      ],
      ["in a key", (id) => with_(id, METADATA, '"public_metadata":{"\\ud800":1}'), "applied"],
      ["as the type", (id) => with_(id, '"user.created"', '"\\ud800"'), "not-json"],
      [
        "a surrogate pair",
        (id) => with_(id, METADATA, '"public_metadata":{"role":"\\ud83d\\ude00"}'),
        "applied",
      ],
      ["the metadata twice", (id) => with_(id, METADATA, `${METADATA},${METADATA}`), "applied"],
      ["a ban twice", (id) => with_(id, METADATA, '"banned":true,"banned":false'), "shape"],
      ["the data twice", (id) => with_(id, '"type":', '"data":{},"type":'), "shape"],
      [
        "NUL in a role",
        (id) => with_(id, METADATA, '"public_metadata":{"role":"a\\u0000b"}'),
        "applied",
      ],
    ]));

  it("W-15 with invalid UTF-8 changes only the strings that contain it", async () => {
    const id = clerk.newId("user");
    const text = with_(id, UNREAD, `"x":"@",${UNREAD}`);
    const body = Buffer.from(text.replace('"@"', '"\u00ff\u00fe"'), "latin1");
    const { outcome } = await system.waitForOutcome(await deliver(system.ingest, body));
    assert.equal(outcome, "applied");
    await goesOn();
  });

  it("F-14 that is already in the queue is parked in the same way", async () => {
    const before = Date.now();
    const bodies = [
      DEEP_ARRAY, DEEP_OBJECT, "\ud800", `{"v":${"9".repeat(100_000)}}`, `{"v":1,"v":1}`,
      `{"v":1,"x":"\\ud800"}`,
    ];
    for (const body of bodies) await system.enqueue(body);
    await goesOn();
    const text = "SELECT reason FROM dead_letters WHERE svix_id IS NULL AND first_seen_at >= ?1";
    assert.deepEqual(await system.sql(text, before), bodies.map(() => ({ reason: "malformed" })));
  });

  it("F-15 of unknown event types is accepted, and leaves nothing", async () => {
    const types = ["user.frozen", "user", "user.", ".created", "", "USER.CREATED", "x".repeat(999)];
    const ids = [];
    for (const type of types) {
      const id = clerk.newId("user");
      const answer = await deliver(system.ingest, { ...clerk.user(id), type });
      assert.equal(answer.status, 202, type);
      ids.push(id, answer.id);
    }
    await goesOn();
    const known = JSON.stringify(ids);
    for (const [table, column] of [["users", "id"], ["deliveries", "svix_id"]]) {
      const text = `SELECT * FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?1))`;
      assert.deepEqual(await system.sql(text, known), []);
    }
  });

  it("F-15 with invalid role shapes is reported in the log and in the delivery's row", async () => {
    const metadata = "data.public_metadata";
    const cases = [
      [{ roles: "admin" }, `${metadata}.roles is a string, expected an array`],
      [{ role: ["admin"] }, `${metadata}.role is an array, expected a string`],
      [{ roles: "admin,editor" }, `${metadata}.roles is a string, expected an array`],
      [{ roles: { admin: true } }, `${metadata}.roles is an object, expected an array`],
      [{ role: " admin " }, `${metadata}.role was skipped`],
      [{ roles: ["admin", 7] }, `${metadata}.roles: 1 of 2 were skipped`],
      [{ roles: Array.from({ length: 150 }, (_, i) => `r${i}`) }, `${metadata} lists 150 app roles`],
      // Other keys belong to the app, and a role name is taken literally.
      [{ admin: "true" }, ""],
      [{ role: "Admin" }, ""],
    ];
    for (const [public_metadata, want] of cases) {
      const id = clerk.newId("user");
      const answer = await deliver(system.ingest, clerk.user(id, { public_metadata }));
      const { outcome, note } = await system.waitForOutcome(answer);
      assert.equal(outcome, "applied");
      assert.ok(want === "" ? note === "" : note.startsWith(want), `${want}: ${note}`);
      const said = system.logs().split("\n").filter((line) => line.includes(answer.id));
      const warned = said.filter((line) => line.includes("part of the delivery was skipped"));
      assert.equal(warned.length, want === "" ? 0 : 1, said.join("\n"));
    }
    const { app_roles } = await system.row(
      "SELECT app_roles FROM users ORDER BY json_array_length(app_roles) DESC",
    );
    assert.equal(JSON.parse(app_roles).length, 100);
  });

  it("F-15 with unknown fields does not change the row", async () => {
    const id = clerk.newId("user");
    const event = clerk.user(id, { public_metadata: { role: "admin" } });
    const row = () => system.row("SELECT * FROM users WHERE id = ?1", id);
    await system.waitForOutcome(await deliver(system.ingest, event));
    const before = await row();
    const more = { frozen_at: 1, badges: [{ id: "badge_1" }], "\u0000": null, constructor: {} };
    const data = { ...event.data, ...more, public_metadata: { role: "admin", ...more } };
    const newer = { ...event, ...more, data };
    const { outcome } = await system.waitForOutcome(await deliver(system.ingest, newer));
    assert.equal(outcome, "applied");
    assert.deepEqual(await row(), before);
    await goesOn();
  });
});

// An event that revokes access is never lost because of other fields.
describe("a revocation beside odd JSON", () => {
  let system;

  before(async () => {
    system = await start();
  });
  after(() => system?.stop());

  const nests = (levels) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const HALF = '"\\ud800"';
  const ODD = {
    "130 nested arrays": nests(130),
    "10,000 nested arrays": nests(DEEP),
    "1e400": "1e400",
    "a lone surrogate": HALF,
    "a lone surrogate as a name": `{${HALF}:1}`,
    "an array for an object": '["user_9","org_9",true]',
  };

  /** The event's JSON, with `odd` as the `public_metadata` of `part`. */
  function beside(event, part, odd) {
    const mark = "here stands the odd one";
    part(event.data).public_metadata = mark;
    return JSON.stringify(event).replace(JSON.stringify(mark), odd);
  }

  async function tell(event) {
    const answer = await deliver(system.ingest, event);
    assert.equal(answer.status, 202);
    assert.equal((await system.waitForOutcome(answer)).outcome, "applied");
  }

  it("F-14 a member is removed, and the guard denies access", async () => {
    for (const [name, odd] of Object.entries(ODD)) {
      const [user, org] = [clerk.newId("user"), clerk.newId("org")];
      const joined = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:admin" });
      await tell(clerk.user(user));
      await tell(joined);
      await system.waitForStatus(user, `/orgs/${org}/settings`, 200);
      const removed = clerk.membershipDeleted(joined);
      await tell(beside(removed, (data) => data.organization, odd));
      await system.waitForStatus(user, `/orgs/${org}/settings`, 403);
      assert.equal((await system.get(user, `/orgs/${org}`)).status, 403, name);
    }
  });

  it("F-14 a member loses a role, and the guard denies access", async () => {
    for (const [name, odd] of Object.entries(ODD)) {
      const [user, org, id] = [clerk.newId("user"), clerk.newId("org"), clerk.newId("orgmem")];
      const updated = { verb: "updated" };
      await tell(clerk.user(user));
      await tell(clerk.membership(id, { org, user, role: "org:admin" }));
      await system.waitForStatus(user, `/orgs/${org}/settings`, 200);
      const lowered = clerk.membership(id, { org, user, role: "org:member" }, updated);
      const text = beside(lowered, (data) => data.organization, odd);
      await tell(text.replace('"permissions":[', `"permissions":[${odd},`));
      await system.waitForStatus(user, `/orgs/${org}/settings`, 403);
      assert.equal((await system.get(user, `/orgs/${org}`)).status, 200, name);
    }
  });

  it("F-14 a user is banned, and the guard denies access", async () => {
    for (const [name, odd] of Object.entries(ODD)) {
      const user = clerk.newId("user");
      await tell(clerk.withRole(user, "admin"));
      await system.waitForStatus(user, "/admin", 200);
      const banned = clerk.user(user, { banned: true }, { verb: "updated" });
      await tell(beside(banned, (data) => data, odd));
      await system.waitForStatus(user, "/admin", 403);
      assert.equal((await system.get(user, "/dashboard")).status, 403, name);
    }
  });
});
