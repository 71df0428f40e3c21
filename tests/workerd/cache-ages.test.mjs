// The role cache and time: the age limits of a role set, slow databases, and the end of a watch.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { HARD_MS, ISOLATE_MS, startCaches } from "./support/caches.mjs";
import { waitFor } from "./support/wait.mjs";

/** The largest difference between two readings of one clock. */
const CLOCK_GRAIN_MS = 1;

describe("the role cache in time", () => {
  let caches;

  before(async () => {
    caches = await startCaches();
  });
  after(() => caches?.stop());

  it("reads the database for `fresh` at most once a second", async () => {
    const user = await caches.newUser();
    await caches.ask(user);
    const before = caches.database.batches;
    const began = Date.now();
    for (let asked = 0; asked < 30; asked += 1) await caches.ask(user, { fresh: true });
    const seconds = 1 + Math.ceil((Date.now() - began) / 1000);
    const batches = caches.database.batches - before;
    assert.ok(batches <= seconds, `${batches} in ${seconds} s`);
  });

  it("reads the database for a missing version at most once a second", async () => {
    const user = await caches.newUser();
    const { version } = await caches.ask(user);
    const before = caches.database.batches;
    const began = Date.now();
    for (let asked = 0; asked < 30; asked += 1) {
      const { status, body } = await caches.queryRaw(user, { min_version: version + 1 });
      assert.deepEqual([status, body], [503, { reason: "below" }]);
    }
    const seconds = 1 + Math.ceil((Date.now() - began) / 1000);
    const batches = caches.database.batches - before;
    assert.ok(1 <= batches && batches <= seconds, `${batches} in ${seconds} s`);
    // No version is ahead of the clock, whether or not the role cache has a set.
    const known = caches.database.batches;
    for (const anyUser of [user, await caches.newUser()]) {
      for (const ahead of [60_000, 3_600_000, 2 ** 50]) {
        const min_version = Date.now() + ahead;
        const { status, body } = await caches.queryRaw(anyUser, { min_version });
        assert.deepEqual([status, body], [503, { reason: "ahead" }]);
      }
    }
    assert.equal(caches.database.batches, known);
  });

  it("reads the database for an existing newer version, even if its set is young", async () => {
    const user = await caches.newUser();
    await caches.ask(user);
    await caches.write(user, { roles: ["editor"] });
    const { version } = await caches.watch(user);
    const crowd = Array.from({ length: 5 }, () => caches.ask(user, { min_version: version }));
    for (const { roles } of await Promise.all(crowd)) assert.deepEqual(roles, ["editor"]);
  });

  it("C-7 serves until the hard age if the database is gone, and not after it", async () => {
    const user = await caches.newUser(["admin"]);
    const short = { name: "short-ssr" };
    assert.equal((await caches.guard(user, short)).status, 200);
    caches.failBatches();
    await caches.write(user, { roles: [] });
    const since = Date.now();
    let last = since;
    await waitFor("the set has passed its hard age", async () => {
      const asked = Date.now();
      const { status, text } = await caches.guard(user, short);
      if (status === 200) last = asked;
      assert.ok(status === 200 || status === 503, `${status}`);
      if (status === 503) assert.ok(!text.includes("Administration</h1>") && !text.includes(user));
      return status === 503;
    });
    assert.ok(last - since <= HARD_MS, `granted ${last - since} ms after the removal`);
    for (let asked = 0; asked < 5; asked += 1) {
      assert.equal((await caches.guard(user, short)).status, 503);
    }
    caches.release();
    const isDenied = async () => (await caches.guard(user, short)).status === 403;
    await waitFor("the object has waited", isDenied);
  });

  it("C-6 follows a change within the hard age without any hint", async () => {
    const user = await caches.newUser(["admin"]);
    await caches.ask(user, {}, "SHORT");
    await caches.write(user, { roles: [] });
    const since = Date.now();
    let last = since;
    await waitFor("the removal is seen", async () => {
      const asked = Date.now();
      const isHeld = (await caches.ask(user, {}, "SHORT")).roles.includes("admin");
      if (isHeld) last = asked;
      return !isHeld;
    });
    assert.ok(last - since <= HARD_MS);
  });

  it("C-6 at the guard serves at most for the hard age plus the isolate's time", async () => {
    const user = await caches.newUser(["admin"]);
    const check = async () => {
      const how = { name: "short-holding-ssr", where: "/api/check?role=admin" };
      const { status, text } = await caches.guard(user, how);
      assert.ok(status === 200 || status === 403, text);
      return { ...JSON.parse(text), at: Date.now() };
    };
    assert.equal((await check()).source, "fill");
    // From before the change is sent to when the role has arrived.
    const since = Date.now();
    await caches.write(user, { roles: [] });
    const after = await check();
    assert.deepEqual([after.allowed, after.source], [true, "isolate"], "the grant outlives it");
    let last = after.at;
    await waitFor("the removal is seen", async () => {
      const { allowed, at } = await check();
      if (allowed) last = at;
      return !allowed;
    });
    const granted = last - since;
    assert.ok(granted <= HARD_MS + ISOLATE_MS + CLOCK_GRAIN_MS, `granted for ${granted} ms`);
    for (let asked = 0; asked < 5; asked += 1) assert.equal((await check()).allowed, false);
  });

  it("F-5 gives up on a database that never answers", async () => {
    const user = await caches.newUser(["admin"]);
    const held = caches.delayBatches("before");
    assert.equal((await caches.guard(user)).status, 503);
    assert.equal((await caches.queryRaw(user)).status, 503);
    held.open();
    caches.release();
    await waitFor("it recovers", async () => (await caches.guard(user)).status === 200);
  });

  it("ends the watch of an idle role cache, and starts a new one for the next query", async () => {
    const user = await caches.newUser(["admin"]);
    const first = await caches.ask(user, {}, "IDLE");
    const { owner } = await caches.watch(user);
    await waitFor("the watch is gone", async () => (await caches.watch(user)) === undefined);
    assert.equal(await caches.hint(user, owner, first.version + 1, "IDLE"), "gone");
    await caches.write(user, { roles: ["editor"] });
    const second = await caches.ask(user, {}, "IDLE");
    assert.deepEqual([second.source, second.roles], ["fill", ["editor"]]);
    assert.ok(owner < (await caches.watch(user)).owner && first.version < second.version);
  });

  it("drops a fill if the watch has ended meanwhile", async () => {
    const user = await caches.newUser(["admin"]);
    const registers = (texts) => texts.some((text) => text.startsWith("INSERT INTO watches"));
    const held = caches.delayBatches("after", registers);
    const asked = caches.queryRaw(user, {}, "IDLE");
    await held.reached();
    const { owner } = await caches.watch(user);
    await waitFor("the watch is gone", async () => (await caches.watch(user))?.owner !== owner);
    await caches.write(user, { roles: ["editor"] });
    held.open();
    caches.release();
    const { status, body } = await asked;
    if (status === 200) assert.deepEqual(body.set.roles, ["editor"]);
    else assert.equal(status, 503);
    const next = await caches.ask(user, {}, "IDLE");
    assert.deepEqual(next.roles, ["editor"]);
    assert.ok(owner < (await caches.watch(user)).owner);
  });

  it("is cached by an isolate only for as long as configured", async () => {
    const user = await caches.newUser(["admin"]);
    const check = async (more = "") => {
      const where = `/api/check?role=admin${more}`;
      return JSON.parse((await caches.guard(user, { name: "holding-ssr", where })).text);
    };
    assert.equal((await check()).source, "fill");
    const held = await check();
    assert.deepEqual([held.source, held.allowed], ["isolate", true]);
    await caches.write(user, { roles: [] });
    const { owner, version } = await caches.watch(user);
    assert.equal(await caches.hint(user, owner, version), "acked");
    const since = Date.now();
    let last = since;
    await waitFor("the removal is seen", async () => {
      const asked = Date.now();
      const { allowed } = await check();
      if (allowed) last = asked;
      return !allowed;
    });
    assert.ok(last - since <= ISOLATE_MS, `granted ${last - since} ms after the removal`);
    // A query for fresher roles gets them.
    await caches.write(user, { roles: ["admin"] });
    const again = (await caches.watch(user)).version;
    const reached = await check(`&min_version=${again}`);
    assert.deepEqual([reached.allowed, reached.version], [true, again]);
  });
});
