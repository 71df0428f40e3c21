// The role cache between the guard and a database that the test can delay: outdated and concurrent
// fills, hints that are late, foreign or lost, and role caches that are evicted or restored.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { startCaches } from "./support/caches.mjs";
import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { waitFor } from "./support/wait.mjs";

describe("the role cache", () => {
  let caches;

  before(async () => {
    caches = await startCaches();
  });
  after(() => caches?.stop());
  afterEach(() => caches.release());

  it("C-9 fills once for a thousand concurrent guards", async () => {
    const [user, other] = [await caches.newUser(["admin"]), await caches.newUser(["admin"])];
    for (const crowd of [
      () => caches.system.crowd("ROLES", user, 1000),
      () => Promise.all(Array.from({ length: 100 }, () => caches.guard(other))),
    ]) {
      const before = caches.database.batches;
      for (const { status } of await crowd()) assert.equal(status, 200);
      const batches = caches.database.batches - before;
      assert.ok(1 <= batches && batches <= 2, `${batches} batches`);
    }
  });

  it("answers for an unknown user from one fill too", async () => {
    const user = clerk.newId("user");
    assert.equal((await caches.ask(user)).set.standing, "unknown");
    const before = caches.database.batches;
    for (let asked = 0; asked < 20; asked += 1) {
      assert.equal((await caches.ask(user)).source, "object");
    }
    assert.equal(caches.database.batches, before);
  });

  for (const [id, what, change, want] of [
    ["C-2", "a revocation", { roles: [] }, { standing: "live", roles: [] }],
    ["C-10", "a deletion", { deleted: 1 }, { standing: "dead", roles: [] }],
  ]) {
    it(`${id} does not serve a fill if ${what} was committed while it was running`, async () => {
      const user = await caches.newUser(["admin"]);
      const held = caches.delayBatches("after");
      const asked = caches.ask(user);
      await held.reached();
      // The database has answered "admin", and the answer is still in transit.
      const { owner } = await caches.watch(user);
      await caches.write(user, change);
      const { version } = await caches.watch(user);
      assert.equal(await caches.hint(user, owner, version), "acked");
      held.open();
      caches.release();
      const { standing, roles, version: served } = (await asked).set;
      assert.deepEqual({ standing, roles }, want);
      assert.equal(served, version);
      assert.deepEqual((await caches.ask(user)).version, version);
    });
  }

  it("C-3 keeps the greatest of several hints, and D1 catches up with its floor", async () => {
    const user = await caches.newUser(["admin"]);
    const { version } = await caches.ask(user);
    const { owner } = await caches.watch(user);
    for (const ahead of [30, 10, 20, 20]) {
      assert.equal(await caches.hint(user, owner, version + ahead), "acked");
    }
    // As after a restore of the database: its version is below the one the role cache has seen.
    const lifted = await caches.ask(user);
    assert.ok(version + 30 < lifted.version, `${lifted.version - version}`);
    assert.equal((await caches.watch(user)).version, lifted.version);
    assert.deepEqual(lifted.roles, ["admin"]);
  });

  it("C-4 keeps set and floor after an eviction, without reading the database", async () => {
    const user = await caches.newUser(["admin"]);
    const first = await caches.ask(user);
    const { owner } = await caches.watch(user);
    await caches.write(user, { roles: ["editor"] });
    const { version } = await caches.watch(user);
    assert.equal(await caches.hint(user, owner, version), "acked");
    await waitFor("the change is in", async () => (await caches.ask(user)).version === version);

    const before = caches.database.batches;
    await caches.system.evict("rolecall-durable", user);
    const woken = await caches.ask(user);
    assert.deepEqual([woken.source, woken.version, woken.roles], ["object", version, ["editor"]]);
    // A late hint with the previous version changes nothing.
    assert.equal(await caches.hint(user, owner, first.version), "acked");
    const later = await caches.ask(user);
    assert.deepEqual([later.source, later.version], ["object", version]);
    assert.ok(woken.age_ms <= later.age_ms, "the age of the set must not decrease");
    assert.equal(caches.database.batches, before);
  });

  it("C-4 F-5 keeps its floor if it is evicted right after a hint", async () => {
    const user = await caches.newUser(["admin"]);
    await caches.ask(user);
    const { owner } = await caches.watch(user);
    await caches.write(user, { roles: [] });
    const { version } = await caches.watch(user);
    caches.failBatches();
    assert.equal(await caches.hint(user, owner, version), "acked");
    await caches.system.evict("rolecall-durable", user);
    // The old set is still in storage and must not be served: the hint was acknowledged.
    assert.equal((await caches.queryRaw(user)).status, 503);
    assert.equal((await caches.guard(user)).status, 503);
    caches.release();
    const isDenied = async () => (await caches.guard(user)).status === 403;
    await waitFor("the object has waited", isDenied);
    assert.deepEqual((await caches.ask(user)).roles, []);
  });

  it("F-4 reads the database now and then while fills fail, and logs each failure", async () => {
    const [cold, short] = [await caches.newUser(["admin"]), await caches.newUser(["admin"])];
    await caches.ask(short, {}, "SHORT");
    caches.failBatches();
    const before = caches.database.batches;
    const known = caches.system.logs().length;
    for (let asked = 0; asked < 105; asked += 1) {
      const { status, text } = await caches.guard(cold);
      assert.equal(status, 503);
      assert.ok(!text.includes(cold));
      assert.equal((await caches.guard(cold, { where: "/api/me" })).status, 503);
      // Cached and not too old: served, then refused.
      const { status: served } = await caches.guard(short, { name: "short-ssr" });
      assert.ok(served === 200 || served === 503, `${served}`);
    }
    const batches = caches.database.batches - before;
    // Each wait is longer than the last: two dozen failures of two role caches take a minute.
    assert.ok(2 <= batches && batches <= 24, `${batches} batches for 315 questions`);
    const lines = caches.system.logs().slice(known).split("\n");
    const about = lines.filter((line) => line.includes(cold) || line.includes(short));
    assert.equal(about.length, batches, about.join("\n"));
    for (const line of about) assert.match(line, /"fill failed".*Network connection lost/);
    assert.ok(!lines.some((line) => /roles? (cache )?unavailable|out of reach|cannot be known/.test(line)));
    caches.release();
    const isBack = async () => (await caches.guard(cold)).status === 200;
    await waitFor("the object has waited", isBack);
  });

  it("under another name than the user's id takes over no watch", async () => {
    const user = await caches.newUser(["admin"]);
    const { version } = await caches.ask(user);
    const watch = await caches.watch(user);
    for (const by of [{ unique: true }, { name: clerk.newId("user") }, { name: `${user} ` }]) {
      const { status, body } = await caches.system.tellBy(by, user, "ask");
      assert.deepEqual([status, body], [400, { reason: "misdirected" }], JSON.stringify(by));
    }
    assert.deepEqual(await caches.watch(user), watch);
    // Not for a user without a watch either.
    const other = await caches.newUser(["admin"]);
    assert.equal((await caches.system.tellBy({ unique: true }, other, "ask")).status, 400);
    assert.equal(await caches.watch(other), undefined);
    // By its id as text it is the same role cache as by its name.
    const text = await caches.system.tellBy({ text: true }, user, "ask");
    assert.deepEqual([text.status, text.body.set.version], [200, version]);
    await caches.system.evict("rolecall-durable", user);
    assert.equal((await caches.system.tellBy({ text: true }, user, "ask")).status, 200);
    assert.equal((await caches.guard(user)).status, 200);
    assert.deepEqual(await caches.watch(user), watch);
    assert.equal((await caches.queryRaw(other, { user_id: user })).status, 400);
  });

  it("takes no roles from a hint, and rejects foreign and future hints", async () => {
    const user = await caches.newUser();
    const { version } = await caches.ask(user);
    const { owner } = await caches.watch(user);
    const told = { owner, version: version + 1, roles: ["admin"], set: { roles: ["admin"] } };
    const { body } = await caches.system.tell("ROLES", user, "hint", told);
    assert.equal(body, "acked");
    assert.deepEqual((await caches.ask(user)).roles, []);
    const after = (await caches.ask(user)).version;
    assert.equal(await caches.hint(user, owner - 1, after + 5), "gone");
    assert.equal(await caches.hint(user, owner + 1, after + 5), "gone");
    assert.equal(await caches.hint(user, owner, Date.now() + 3_600_000), "refused");
    assert.equal((await caches.ask(user)).version, after);
    const stranger = clerk.newId("user");
    assert.equal(await caches.hint(stranger, 1, 1), "gone");
    for (const junk of [{}, { owner: "1", version: 1 }, { owner: 1 }]) {
      assert.equal((await caches.system.tell("ROLES", user, "hint", junk)).status, 400);
    }
    assert.equal((await caches.queryRaw(user, { user_id: stranger })).status, 400);
  });

  it("registers again if its watch is lost or taken over", async () => {
    const user = await caches.newUser(["admin"]);
    const { version } = await caches.ask(user, {}, "SHORT");
    await caches.system.sql("DELETE FROM watches WHERE user_id = ?1", user);
    await waitFor("a refresh registers", async () => {
      await caches.ask(user, {}, "SHORT");
      return caches.watch(user);
    });
    assert.ok(version < (await caches.ask(user, {}, "SHORT")).version);
    // The role cache was lost and its clock went back: the watch has a greater owner.
    await caches.system.sql("UPDATE watches SET owner = owner + 1000000 WHERE user_id = ?1", user);
    const { owner } = await caches.watch(user);
    await waitFor("it takes the watch over", async () => {
      await caches.ask(user, {}, "SHORT");
      return owner < (await caches.watch(user)).owner;
    });
    assert.deepEqual((await caches.ask(user, {}, "SHORT")).roles, ["admin"]);
  });

  it("C-5 gets the hint of a commit whose consumer crashed before sending it", async () => {
    const user = await caches.newUser();
    assert.equal((await caches.guard(user)).status, 403);
    const event = clerk.user(user, { public_metadata: { role: "admin" } }, { verb: "updated" });
    const { id } = await deliver(await caches.system.worker("rolecall-ingest"), event);
    const isIt = (text) => JSON.parse(text).svix_id === id;
    const body = await waitFor("it is encoded", () => caches.sealed.find(isIt));
    const message = { id, timestamp: new Date(), attempts: 1, body };
    const early = await caches.system.worker("dies-early");
    const result = await early.queue("rolecall-events", [message]);
    assert.deepEqual(result.explicitAcks, [id]);
    const pendingWatch = await caches.watch(user);
    assert.ok(pendingWatch.acked < pendingWatch.version);
    assert.equal((await caches.guard(user)).status, 403);

    await caches.sweep();
    const paid = await caches.watch(user);
    assert.deepEqual([paid.version, paid.acked], [pendingWatch.version, pendingWatch.version]);
    await waitFor("the guard follows", async () => (await caches.guard(user)).status === 200);
    // Delivered again, the message changes nothing.
    const consumer = await caches.system.worker("rolecall-consumer");
    await consumer.queue("rolecall-events", [{ ...message, attempts: 2 }]);
    assert.equal((await caches.watch(user)).version, pendingWatch.version);
  });

  it("gets the new default role for every watched user", async () => {
    const users = await Promise.all([caches.newUser(), caches.newUser()]);
    for (const [consumer, want] of [
      ["rolecall-consumer", ["member"]],
      ["guests", ["guest"]],
      ["no-default", []],
      ["rolecall-consumer", ["member"]],
    ]) {
      for (const user of users) await caches.ask(user);
      await caches.sweep(consumer);
      for (const user of users) assert.deepEqual((await caches.ask(user)).roles, want, consumer);
    }
  });

  it("gives a new default role its own version before the sweep runs", async () => {
    const user = await caches.newUser();
    const { version } = await caches.ask(user);
    await caches.sweep("guests");
    await caches.system.sql("UPDATE settings SET value = 'member' WHERE key = 'default_role'");
    const reached = (await caches.watch(user)).version;
    assert.ok(version < reached, "the sweep has already added guest");
    // The set that the hint brought is too young to be read again at first.
    const newer = { min_version: reached + 1 };
    const ask = async () => (await caches.queryRaw(user, newer)).status === 200;
    await waitFor("it is read again", ask);
    const fresh = await caches.ask(user);
    assert.deepEqual(fresh.roles, ["member"]);
    assert.ok(reached < fresh.version);
    await caches.sweep();
    const { version: last, acked } = await caches.watch(user);
    assert.deepEqual([last, acked], [fresh.version, fresh.version], "once, and its hint was sent");
  });

  it("lets the sweep end a watch without owner", async () => {
    const [nobody, user] = [clerk.newId("user"), await caches.newUser(["admin"])];
    await caches.ask(user);
    const watched = "INSERT INTO watches (user_id, owner, version, acked) VALUES (?1, 7, 9, 8)";
    await caches.system.sql(watched, nobody);
    await caches.sweep();
    assert.equal(await caches.watch(nobody), undefined);
    assert.ok(await caches.watch(user));
  });

  it("F-27 stores a set that is larger than one storage value", async () => {
    const user = await caches.newUser();
    // For a role that the catalogue does not have, each membership's own list counts.
    await caches.system.sql(
      `INSERT INTO memberships
         (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
       SELECT 'orgmem_own_' || i, 'org_own_' || i, ?1, 'org:unheard_of',
         (WITH RECURSIVE k (j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM k WHERE j < 40)
          SELECT json_group_array('org:feature_' || i || ':manage_' || j) FROM k), 0, 1, 1, 1, ''
       FROM n`,
      user,
    );
    const first = await caches.ask(user);
    assert.equal(first.set.organizations.length, 2_000);
    const size = JSON.stringify(first.set).length;
    assert.ok(2_000_000 < size, `${size}`);
    await caches.system.evict("rolecall-durable", user);
    const woken = await caches.ask(user);
    assert.deepEqual([woken.source, woken.version], ["object", first.version]);
    assert.deepEqual(woken.set, first.set);
    // A small set is one value again, and the remaining chunks are not read.
    await caches.system.sql("DELETE FROM memberships WHERE user_id = ?1", user);
    const { owner, version } = await caches.watch(user);
    assert.equal(await caches.hint(user, owner, version), "acked");
    await waitFor("it is read", async () => (await caches.ask(user)).version === version);
    await caches.system.evict("rolecall-durable", user);
    const small = await caches.ask(user);
    assert.deepEqual([small.source, small.set.organizations], ["object", []]);
  });
});
