// The role cache between the guard and the database, with a hand on the database: fills that are
// overtaken, lost, late or many, objects that are evicted, idle or restored. On Miniflare, where
// the database can be held.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { heldDatabase, sinkOf, startDirect, workerOf } from "./support/direct.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const CACHES = { ROLES: "rolecall-durable", SHORT: "short-lived", IDLE: "idle" };
const IDLE_MS = 1_500;
const HARD_MS = 1_500;
const ISOLATE_MS = 1_000;

describe("the role cache", () => {
  const database = heldDatabase();
  const sealed = [];
  let system;

  before(async () => {
    const held = { d1Databases: undefined, wrappedBindings: { DB: "held-database" } };
    const objects = (scriptName) => ({ ROLES: { className: "RoleCache", scriptName } });
    const queueProducers = { EVENTS: { queueName: "sealed" } };
    const workers = [
      workerOf("ssr", { bindings: PEM_VARS }),
      workerOf("ssr", { name: "short-ssr", bindings: PEM_VARS, durableObjects: objects("short-lived") }),
      workerOf("durable", held),
      workerOf("durable", {
        ...held, name: "short-lived", bindings: { ROLES_SOFT_MS: "500", ROLES_HARD_MS: `${HARD_MS}` },
      }),
      workerOf("durable", { ...held, name: "idle", bindings: { ROLES_IDLE_MS: `${IDLE_MS}` } }),
      workerOf("ssr", { name: "holding-ssr", bindings: { ...PEM_VARS, ROLES_ISOLATE_MS: `${ISOLATE_MS}` } }),
      workerOf("consumer"),
      workerOf("consumer", { name: "guests", bindings: { DEFAULT_ROLE: "guest" }, queueConsumers: undefined }),
      workerOf("consumer", { name: "no-default", bindings: { DEFAULT_ROLE: "" }, queueConsumers: undefined }),
      workerOf("consumer", { name: "dies-early", durableObjects: undefined, queueConsumers: undefined }),
      workerOf("ingest", { queueProducers }),
      sinkOf(sealed, "sealed"),
      database.worker,
    ];
    system = await startDirect(workers, { caches: CACHES });
    await system.sql("INSERT INTO roles (name) VALUES ('admin'), ('editor')");
  });
  after(() => {
    database.gate = () => undefined;
    return system?.stop();
  });

  /** Commits a change as any writer would, without a hint. */
  function write(user, { roles = [], deleted = 0 }) {
    return system.sql(
      `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
       VALUES (?1, ?2, ?3, 1, 1, 1, '') ON CONFLICT (id) DO UPDATE SET app_roles = ?2, deleted = ?3`,
      user, JSON.stringify(roles), deleted,
    );
  }

  const watch = async (user) =>
    (await system.sql("SELECT * FROM watches WHERE user_id = ?1", user))[0];

  async function newUser(roles = []) {
    const user = clerk.newId("user");
    await write(user, { roles });
    return user;
  }

  /** Asks the object, and expects roles. */
  async function ask(user, more = {}, binding = "ROLES") {
    const { status, body } = await system.tell(binding, user, "ask", more);
    assert.equal(status, 200, JSON.stringify(body));
    return { ...body, roles: body.set.roles, version: body.set.version };
  }

  const hint = async (user, owner, version, binding = "ROLES") =>
    (await system.tell(binding, user, "hint", { owner, version })).body;

  /** Lets nothing through at a moment until it is opened; `reached` is when something has come. */
  function hold(moment, isIt = () => true) {
    let open;
    const opened = new Promise((done) => (open = done));
    const held = { open, count: 0 };
    database.gate = async (when, texts) => {
      if (when !== moment || !isIt(texts)) return undefined;
      held.count += 1;
      await opened;
      return undefined;
    };
    held.reached = () => waitFor("the database is asked", () => 0 < held.count);
    return held;
  }

  function release() {
    database.gate = () => undefined;
  }

  async function guard(user, { name = "rolecall-ssr", where = "/admin" } = {}) {
    const ssr = await system.worker(name);
    const request = { headers: bearer(mint(user)), redirect: "manual" };
    const response = await ssr.fetch(`https://app.example.com${where}`, request);
    return { status: response.status, text: await response.text() };
  }

  it("fills for a thousand guards at once as it does for one", async () => {
    const user = await newUser(["admin"]);
    const before = database.batches;
    const answers = await Promise.all(Array.from({ length: 1000 }, () => guard(user)));
    for (const { status } of answers) assert.equal(status, 200);
    const batches = database.batches - before;
    assert.ok(1 <= batches && batches <= 2, `${batches} batches`);
  });

  it("answers an unknown user from its one fill too", async () => {
    const user = clerk.newId("user");
    assert.equal((await ask(user)).set.standing, "unknown");
    const before = database.batches;
    for (let asked = 0; asked < 20; asked += 1) assert.equal((await ask(user)).source, "object");
    assert.equal(database.batches, before);
  });

  for (const [what, change, want] of [
    ["a revocation", { roles: [] }, { standing: "live", roles: [] }],
    ["a deletion", { deleted: 1 }, { standing: "dead", roles: [] }],
  ]) {
    it(`never serves what ${what} has overtaken while it was being read`, async () => {
      const user = await newUser(["admin"]);
      const held = hold("after");
      const asked = ask(user);
      await held.reached();
      // The database has answered "admin", and the answer is still on its way.
      const { owner } = await watch(user);
      await write(user, change);
      const { version } = await watch(user);
      assert.equal(await hint(user, owner, version), "acked");
      held.open();
      release();
      const { standing, roles, version: served } = (await asked).set;
      assert.deepEqual({ standing, roles }, want);
      assert.equal(served, version);
      assert.deepEqual((await ask(user)).version, version);
    });
  }

  it("counts hints by the greatest of them, and D1 catches up with its floor", async () => {
    const user = await newUser(["admin"]);
    const { version } = await ask(user);
    const { owner } = await watch(user);
    for (const ahead of [30, 10, 20, 20]) assert.equal(await hint(user, owner, version + ahead), "acked");
    // As after a restore of the database: its version lies below what the object has seen.
    const lifted = await ask(user);
    assert.ok(version + 30 < lifted.version, `${lifted.version - version}`);
    assert.equal((await watch(user)).version, lifted.version);
    assert.deepEqual(lifted.roles, ["admin"]);
  });

  it("survives its eviction, floor and all, without a question to the database", async () => {
    const user = await newUser(["admin"]);
    const first = await ask(user);
    const { owner } = await watch(user);
    await write(user, { roles: ["editor"] });
    const { version } = await watch(user);
    assert.equal(await hint(user, owner, version), "acked");
    await waitFor("the change is in", async () => (await ask(user)).version === version);

    const before = database.batches;
    await system.evict("rolecall-durable", user);
    const woken = await ask(user);
    assert.deepEqual([woken.source, woken.version, woken.roles], ["object", version, ["editor"]]);
    // The late word of the version before changes nothing.
    assert.equal(await hint(user, owner, first.version), "acked");
    const later = await ask(user);
    assert.deepEqual([later.source, later.version], ["object", version]);
    assert.ok(woken.age_ms <= later.age_ms, "neither made the set any younger");
    assert.equal(database.batches, before);
  });

  it("holds its floor through an eviction right after a hint", async () => {
    const user = await newUser(["admin"]);
    await ask(user);
    const { owner } = await watch(user);
    await write(user, { roles: [] });
    const { version } = await watch(user);
    database.gate = (when) => (when === "before" ? "D1_ERROR: Network connection lost." : undefined);
    assert.equal(await hint(user, owner, version), "acked");
    await system.evict("rolecall-durable", user);
    // The old set is in storage still, and must not be served: the hint was acknowledged.
    assert.equal((await system.tell("ROLES", user, "ask")).status, 503);
    assert.equal((await guard(user)).status, 503);
    release();
    assert.deepEqual((await ask(user)).roles, []);
    assert.equal((await guard(user)).status, 403);
  });

  it("takes no roles from a hint, and no hint that is not its own or not of this time", async () => {
    const user = await newUser();
    const { version } = await ask(user);
    const { owner } = await watch(user);
    const told = { owner, version: version + 1, roles: ["admin"], set: { roles: ["admin"] } };
    const { body } = await system.tell("ROLES", user, "hint", told);
    assert.equal(body, "acked");
    assert.deepEqual((await ask(user)).roles, []);
    const after = (await ask(user)).version;
    assert.equal(await hint(user, owner - 1, after + 5), "gone");
    assert.equal(await hint(user, owner + 1, after + 5), "gone");
    assert.equal(await hint(user, owner, Date.now() + 3_600_000), "refused");
    assert.equal((await ask(user)).version, after);
    const stranger = clerk.newId("user");
    assert.equal(await hint(stranger, 1, 1), "gone");
    for (const junk of [{}, { owner: "1", version: 1 }, { owner: 1 }]) {
      assert.equal((await system.tell("ROLES", user, "hint", junk)).status, 400);
    }
    assert.equal((await system.tell("ROLES", user, "ask", { user_id: stranger })).status, 400);
  });

  it("reads on demand at most once a second", async () => {
    const user = await newUser();
    await ask(user);
    const before = database.batches;
    const began = Date.now();
    for (let asked = 0; asked < 30; asked += 1) await ask(user, { fresh: true });
    const seconds = 1 + Math.ceil((Date.now() - began) / 1000);
    assert.ok(database.batches - before <= seconds, `${database.batches - before} in ${seconds} s`);
  });

  it("registers again when its watch is lost, or another's", async () => {
    const user = await newUser(["admin"]);
    const { version } = await ask(user, {}, "SHORT");
    await system.sql("DELETE FROM watches WHERE user_id = ?1", user);
    const again = async () => watch(user).then((row) => row !== undefined);
    await waitFor("a refresh registers", async () => (await ask(user, {}, "SHORT"), again()));
    assert.ok(version < (await ask(user, {}, "SHORT")).version);
    // The object was lost and its clock went back: a greater owner stands in its place.
    await system.sql("UPDATE watches SET owner = owner + 1000000 WHERE user_id = ?1", user);
    const { owner } = await watch(user);
    await waitFor("it takes the watch over", async () => {
      await ask(user, {}, "SHORT");
      return owner < (await watch(user)).owner;
    });
    assert.deepEqual((await ask(user, {}, "SHORT")).roles, ["admin"]);
  });

  it("with the database gone serves until the hard age and never after it", async () => {
    const user = await newUser(["admin"]);
    const short = { name: "short-ssr" };
    assert.equal((await guard(user, short)).status, 200);
    database.gate = (when) => (when === "before" ? "D1_ERROR: Network connection lost." : undefined);
    await write(user, { roles: [] });
    const since = Date.now();
    let last = since;
    await waitFor("the set has passed its hard age", async () => {
      const asked = Date.now();
      const { status, text } = await guard(user, short);
      if (status === 200) last = asked;
      assert.ok(status === 200 || status === 503, `${status}`);
      if (status === 503) assert.ok(!text.includes("Administration</h1>") && !text.includes(user));
      return status === 503;
    });
    assert.ok(last - since <= HARD_MS, `granted ${last - since} ms after the removal`);
    for (let asked = 0; asked < 5; asked += 1) assert.equal((await guard(user, short)).status, 503);
    release();
    assert.equal((await guard(user, short)).status, 403);
  });

  it("without any hint follows within the hard age all the same", async () => {
    const user = await newUser(["admin"]);
    await ask(user, {}, "SHORT");
    await write(user, { roles: [] });
    const since = Date.now();
    let last = since;
    await waitFor("the removal is seen", async () => {
      const asked = Date.now();
      const isHeld = (await ask(user, {}, "SHORT")).roles.includes("admin");
      if (isHeld) last = asked;
      return !isHeld;
    });
    assert.ok(last - since <= HARD_MS);
  });

  it("gives up on a database that never answers", async () => {
    const user = await newUser(["admin"]);
    const held = hold("before");
    assert.equal((await guard(user)).status, 503);
    assert.equal((await system.tell("ROLES", user, "ask")).status, 503);
    held.open();
    release();
    await waitFor("it recovers", async () => (await guard(user)).status === 200);
  });

  it("ends the watch of an object that nobody asks, and begins another when somebody does", async () => {
    const user = await newUser(["admin"]);
    const first = await ask(user, {}, "IDLE");
    const { owner } = await watch(user);
    await waitFor("the watch is gone", async () => (await watch(user)) === undefined);
    assert.equal(await hint(user, owner, first.version + 1, "IDLE"), "gone");
    await write(user, { roles: ["editor"] });
    const second = await ask(user, {}, "IDLE");
    assert.deepEqual([second.source, second.roles], ["fill", ["editor"]]);
    assert.ok(owner < (await watch(user)).owner && first.version < second.version);
  });

  it("drops a fill that the end of its watch has overtaken", async () => {
    const user = await newUser(["admin"]);
    const held = hold("after", (texts) => texts.length === 2);
    const asked = system.tell("IDLE", user, "ask");
    await held.reached();
    const { owner } = await watch(user);
    await waitFor("the watch is gone", async () => (await watch(user))?.owner !== owner);
    await write(user, { roles: ["editor"] });
    held.open();
    release();
    const { status, body } = await asked;
    if (status === 200) assert.deepEqual(body.set.roles, ["editor"]);
    else assert.equal(status, 503);
    const next = await ask(user, {}, "IDLE");
    assert.deepEqual(next.roles, ["editor"]);
    assert.ok(owner < (await watch(user)).owner);
  });

  it("hears of a commit whose consumer died before it could say so", async () => {
    const user = await newUser();
    assert.equal((await guard(user)).status, 403);
    const event = clerk.user(user, { public_metadata: { role: "admin" } }, { verb: "updated" });
    const { id } = await deliver(await system.worker("rolecall-ingest"), event);
    const body = await waitFor("it is sealed", () => sealed.find((it) => JSON.parse(it).svix_id === id));
    const message = { id, timestamp: new Date(), attempts: 1, body };
    const result = await (await system.worker("dies-early")).queue("rolecall-events", [message]);
    assert.deepEqual(result.explicitAcks, [id]);
    const owed = await watch(user);
    assert.ok(owed.acked < owed.version);
    assert.equal((await guard(user)).status, 403);

    const consumer = await system.worker("rolecall-consumer");
    await consumer.scheduled({ cron: "* * * * *" });
    const paid = await watch(user);
    assert.deepEqual([paid.version, paid.acked], [owed.version, owed.version]);
    await waitFor("the guard follows", async () => (await guard(user)).status === 200);
    // Handed out again, the message moves nothing.
    await consumer.queue("rolecall-events", [{ ...message, attempts: 2 }]);
    assert.equal((await watch(user)).version, owed.version);
  });

  it("hears of a new default role, whoever is watched", async () => {
    const users = await Promise.all([newUser(), newUser()]);
    for (const [consumer, want] of [
      ["rolecall-consumer", ["member"]], ["guests", ["guest"]], ["no-default", []], ["rolecall-consumer", ["member"]],
    ]) {
      for (const user of users) await ask(user);
      await (await system.worker(consumer)).scheduled({ cron: "* * * * *" });
      for (const user of users) assert.deepEqual((await ask(user)).roles, want, consumer);
    }
  });

  it("may be held by an isolate for as long as that is told to, and no longer", async () => {
    const user = await newUser(["admin"]);
    const holding = { name: "holding-ssr" };
    const check = async (more = "") => {
      const { text } = await guard(user, { ...holding, where: `/api/check?role=admin${more}` });
      return JSON.parse(text);
    };
    assert.equal((await check()).source, "fill");
    const held = await check();
    assert.deepEqual([held.source, held.allowed], ["isolate", true]);
    await write(user, { roles: [] });
    const { owner, version } = await watch(user);
    assert.equal(await hint(user, owner, version), "acked");
    const since = Date.now();
    let last = since;
    await waitFor("the removal is seen", async () => {
      const asked = Date.now();
      const { allowed } = await check();
      if (allowed) last = asked;
      return !allowed;
    });
    assert.ok(last - since <= ISOLATE_MS, `granted ${last - since} ms after the removal`);
    // Whoever wants more than what is held gets it.
    await write(user, { roles: ["admin"] });
    const again = (await watch(user)).version;
    const reached = await check(`&min_version=${again}`);
    assert.deepEqual([reached.allowed, reached.version], [true, again]);
  });

  it("has the sweep end a watch that no object owns", async () => {
    const [nobody, user] = [clerk.newId("user"), await newUser(["admin"])];
    await ask(user);
    await system.sql("INSERT INTO watches (user_id, owner, version, acked) VALUES (?1, 7, 9, 8)", nobody);
    await (await system.worker("rolecall-consumer")).scheduled({ cron: "* * * * *" });
    assert.equal(await watch(nobody), undefined);
    assert.ok(await watch(user));
  });
});
