// Failures of the database and of the role caches: no page is shown without a decision, and no
// accepted event is lost.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { guardedRoutes } from "./support/routes.mjs";
import { bearer, mint } from "./support/sessions.mjs";
import { standInForDurable, start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

/** All guarded routes, and further queries. */
const GUARDED = [
  ...guardedRoutes("org_x"),
  "/api/check?role=admin", "/api/check?role=nobody", "/api/check?permission=org:a:b&org=org_x",
  "/api/check?role=admin&fresh=1", "/api/check?role=admin&min_version=1",
];

/** Checks that every guarded route answers 503 with the right headers. */
async function checkUnavailable(system, user) {
  await Promise.all(
    GUARDED.map(async (where) => {
      const { status, headers, text } = await system.get(user, where);
      assert.equal(status, 503, where);
      assert.match(headers.get("retry-after"), /^[1-9]\d*$/, where);
      assert.equal(headers.get("cache-control"), "private, no-store", where);
      assert.ok(!text.includes(user) && !text.includes("stand-in"), where);
    }),
  );
}

describe("with a missing table", () => {
  let system;

  before(async () => {
    system = await start();
  });
  after(() => system?.stop());

  /** Runs `work` while a table is renamed, as in the middle of a failed migration. */
  async function without(table, work) {
    await system.sql(`ALTER TABLE ${table} RENAME TO test_${table}`);
    try {
      await work();
    } finally {
      await system.sql(`ALTER TABLE test_${table} RENAME TO ${table}`);
    }
  }

  /** Waits until the database has rejected more batches. */
  async function refusals(more) {
    const count = () => system.logs().split("D1 batch failed").length;
    const known = count();
    await waitFor("a batch is refused", () => known + more <= count());
  }

  async function newAdmin() {
    const user = clerk.newId("user");
    await system.waitForOutcome(await deliver(system.ingest, clerk.withRole(user, "admin")));
    return user;
  }

  // Only tables that a fill names itself: a view follows its table's new name.
  for (const table of ["users", "watches", "everyone"]) {
    it(`C-7 ${table}: a user who was not queried before gets 503`, async () => {
      const user = await newAdmin();
      await without(table, () => checkUnavailable(system, user));
      // A failure is not cached, except for a short wait.
      await system.waitForStatus(user, "/admin", 200);
    });
  }

  it("C-4 C-7 a young set is served, even after an eviction and old hints", async () => {
    const user = await newAdmin();
    const first = await system.me(user);
    assert.equal(first.status, 200);
    await without("users", async () => {
      await system.evict(user);
      const woken = await system.me(user);
      assert.deepEqual([woken.status, woken.source, woken.version], [200, "object", first.version]);
      assert.equal((await system.get(user, "/admin")).status, 200);
      const { owner, version } = await system.watch(user);
      const { body } = await system.hint(user, { owner, version: version - 1 });
      assert.equal(body, "acked");
      const later = await system.me(user);
      assert.deepEqual([later.status, later.source, later.version], [200, "object", first.version]);
      // A query for fresher roles cannot be answered now.
      const beyond = `/api/check?role=admin&min_version=${version + 1}`;
      assert.equal((await system.get(user, beyond)).status, 503);
      // After a new hint the old set must not be served, and no other set can be read.
      await system.hint(user, { owner, version: version + 1 });
      await checkUnavailable(system, user);
      await system.evict(user);
      await checkUnavailable(system, user);
    });
    await system.waitForStatus(user, "/admin", 200);
  });

  it("accepted events are applied after the failure", async () => {
    const users = Array.from({ length: 5 }, () => clerk.newId("user"));
    const answers = [];
    await without("users", async () => {
      for (const user of users) {
        answers.push(await deliver(system.ingest, clerk.withRole(user, "admin")));
      }
      for (const { status } of answers) assert.equal(status, 202);
      await refusals(1);
      const ids = JSON.stringify(answers.map(({ id }) => id));
      const text = "SELECT * FROM deliveries WHERE svix_id IN (SELECT value FROM json_each(?1))";
      assert.deepEqual(await system.sql(text, ids), []);
    });
    for (const answer of answers) {
      assert.equal((await system.waitForOutcome(answer)).outcome, "applied");
    }
    for (const user of users) await system.waitForStatus(user, "/admin", 200);
    assert.deepEqual(await system.sql("SELECT * FROM dead_letters"), []);
  });

  it("a revocation that could not be written is written soon after", async () => {
    const user = await newAdmin();
    assert.equal((await system.get(user, "/admin")).status, 200);
    let answer;
    await without("users", async () => {
      answer = await deliver(system.ingest, clerk.withRole(user, "editor"));
      await refusals(1);
    });
    await system.waitForOutcome(answer);
    await system.waitForStatus(user, "/admin", 403);
  });

  it("the sweep continues if only the outbox is missing", async () => {
    await without("watches", async () => assert.equal((await system.sweep()).outcome, "ok"));
    assert.equal((await system.sweep()).outcome, "ok");
  });
});

for (const name of ["throws", "hangs"]) {
  describe(`F-5 with a role cache that ${name}`, () => {
    let system;

    before(async () => {
      const durable = standInForDurable(name);
      system = await start({ ssr: true, ingest: true, consumer: true, durable });
    });
    after(() => system?.stop());

    it("no page is shown", async () => {
      const user = clerk.newId("user");
      await system.waitForOutcome(await deliver(system.ingest, clerk.withRole(user, "admin")));
      await checkUnavailable(system, user);
      // Without a session the answer is 401 as usual, and public pages work.
      assert.equal((await system.get(null, "/api/me")).status, 401);
      assert.equal((await system.get(null, "/")).status, 200);
      assert.equal((await system.get(user, "/healthz")).status, 200);
    });

    it("events are still applied, and their hints stay pending", async () => {
      const users = [clerk.newId("user"), clerk.newId("user")];
      const watched = "INSERT INTO watches (user_id, owner, version, acked) VALUES (?1, 1, 1, 1)";
      for (const user of users) await system.sql(watched, user);
      for (const user of users) {
        const answer = await deliver(system.ingest, clerk.withRole(user, "admin"));
        assert.equal((await system.waitForOutcome(answer)).outcome, "applied");
      }
      const { outcome } = await system.sweep();
      assert.equal(outcome, "ok");
      for (const user of users) {
        const { version, acked } = await system.watch(user);
        assert.ok(acked < version);
      }
    });
  });
}

describe("with invalid settings", () => {
  let system;

  before(async () => {
    const durable = { vars: { ROLES_HARD_MS: "soon" } };
    system = await start({ ssr: true, consumer: true, durable });
  });
  after(() => system?.stop());

  it("a role cache answers no query", async () => {
    const user = clerk.newId("user");
    await checkUnavailable(system, user);
    const { status } = await system.get(null, "/admin", { headers: bearer(mint(user)) });
    assert.equal(status, 503);
  });
});
