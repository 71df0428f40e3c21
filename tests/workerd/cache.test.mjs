// The role cache between the guard and the database, with a hand on the database: fills that are
// overtaken or many, hints that are late, foreign or lost, objects that are evicted or restored.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

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

  it("C-9 fills for a thousand guards at once as it does for one", async () => {
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

  it("answers an unknown user from its one fill too", async () => {
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
    it(`${id} never serves what ${what} has overtaken while it was being read`, async () => {
      const user = await caches.newUser(["admin"]);
      const held = caches.hold("after");
      const asked = caches.ask(user);
      await held.reached();
      // The database has answered "admin", and the answer is still on its way.
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

  it("C-3 counts hints by the greatest of them, and D1 catches up with its floor", async () => {
    const user = await caches.newUser(["admin"]);
    const { version } = await caches.ask(user);
    const { owner } = await caches.watch(user);
    for (const ahead of [30, 10, 20, 20]) {
      assert.equal(await caches.hint(user, owner, version + ahead), "acked");
    }
    // As after a restore of the database: its version lies below what the object has seen.
    const lifted = await caches.ask(user);
    assert.ok(version + 30 < lifted.version, `${lifted.version - version}`);
    assert.equal((await caches.watch(user)).version, lifted.version);
    assert.deepEqual(lifted.roles, ["admin"]);
  });

  it("C-4 survives its eviction, floor and all, without a question to the database", async () => {
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
    // The late word of the version before changes nothing.
    assert.equal(await caches.hint(user, owner, first.version), "acked");
    const later = await caches.ask(user);
    assert.deepEqual([later.source, later.version], ["object", version]);
    assert.ok(woken.age_ms <= later.age_ms, "neither made the set any younger");
    assert.equal(caches.database.batches, before);
  });

  it("C-4 F-5 holds its floor through an eviction right after a hint", async () => {
    const user = await caches.newUser(["admin"]);
    await caches.ask(user);
    const { owner } = await caches.watch(user);
    await caches.write(user, { roles: [] });
    const { version } = await caches.watch(user);
    caches.lose();
    assert.equal(await caches.hint(user, owner, version), "acked");
    await caches.system.evict("rolecall-durable", user);
    // The old set is in storage still, and must not be served: the hint was acknowledged.
    assert.equal((await caches.tell(user)).status, 503);
    assert.equal((await caches.guard(user)).status, 503);
    caches.release();
    assert.deepEqual((await caches.ask(user)).roles, []);
    assert.equal((await caches.guard(user)).status, 403);
  });

  it("takes no roles from a hint, and no hint that is foreign or not of this time", async () => {
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
    assert.equal((await caches.tell(user, { user_id: stranger })).status, 400);
  });

  it("registers again when its watch is lost, or another's", async () => {
    const user = await caches.newUser(["admin"]);
    const { version } = await caches.ask(user, {}, "SHORT");
    await caches.system.sql("DELETE FROM watches WHERE user_id = ?1", user);
    await waitFor("a refresh registers", async () => {
      await caches.ask(user, {}, "SHORT");
      return caches.watch(user);
    });
    assert.ok(version < (await caches.ask(user, {}, "SHORT")).version);
    // The object was lost and its clock went back: a greater owner stands in its place.
    await caches.system.sql("UPDATE watches SET owner = owner + 1000000 WHERE user_id = ?1", user);
    const { owner } = await caches.watch(user);
    await waitFor("it takes the watch over", async () => {
      await caches.ask(user, {}, "SHORT");
      return owner < (await caches.watch(user)).owner;
    });
    assert.deepEqual((await caches.ask(user, {}, "SHORT")).roles, ["admin"]);
  });

  it("C-5 hears of a commit whose consumer died before it could say so", async () => {
    const user = await caches.newUser();
    assert.equal((await caches.guard(user)).status, 403);
    const event = clerk.user(user, { public_metadata: { role: "admin" } }, { verb: "updated" });
    const { id } = await deliver(await caches.system.worker("rolecall-ingest"), event);
    const isIt = (text) => JSON.parse(text).svix_id === id;
    const body = await waitFor("it is sealed", () => caches.sealed.find(isIt));
    const message = { id, timestamp: new Date(), attempts: 1, body };
    const early = await caches.system.worker("dies-early");
    const result = await early.queue("rolecall-events", [message]);
    assert.deepEqual(result.explicitAcks, [id]);
    const owed = await caches.watch(user);
    assert.ok(owed.acked < owed.version);
    assert.equal((await caches.guard(user)).status, 403);

    await caches.sweep();
    const paid = await caches.watch(user);
    assert.deepEqual([paid.version, paid.acked], [owed.version, owed.version]);
    await waitFor("the guard follows", async () => (await caches.guard(user)).status === 200);
    // Handed out again, the message moves nothing.
    const consumer = await caches.system.worker("rolecall-consumer");
    await consumer.queue("rolecall-events", [{ ...message, attempts: 2 }]);
    assert.equal((await caches.watch(user)).version, owed.version);
  });

  it("hears of a new default role, whoever is watched", async () => {
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

  it("gives a new default role a version of its own before the sweep comes by", async () => {
    const user = await caches.newUser();
    const { version } = await caches.ask(user);
    await caches.sweep("guests");
    await caches.system.sql("UPDATE settings SET value = 'member' WHERE key = 'default_role'");
    const reached = (await caches.watch(user)).version;
    assert.ok(version < reached, "the sweep has let it take in guest");
    // The set that the hint brought is too young at first to be read again.
    const ask = async () => (await caches.tell(user, { min_version: reached + 1 })).status === 200;
    await waitFor("it is read again", ask);
    const fresh = await caches.ask(user);
    assert.deepEqual(fresh.roles, ["member"]);
    assert.ok(reached < fresh.version);
    await caches.sweep();
    const { version: last, acked } = await caches.watch(user);
    assert.deepEqual([last, acked], [fresh.version, fresh.version], "once, and its hint was sent");
  });

  it("has the sweep end a watch that no object owns", async () => {
    const [nobody, user] = [clerk.newId("user"), await caches.newUser(["admin"])];
    await caches.ask(user);
    const watched = "INSERT INTO watches (user_id, owner, version, acked) VALUES (?1, 7, 9, 8)";
    await caches.system.sql(watched, nobody);
    await caches.sweep();
    assert.equal(await caches.watch(nobody), undefined);
    assert.ok(await caches.watch(user));
  });
});
