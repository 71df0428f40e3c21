// C-11, F-16: a hundred thousand members, a thousand memberships, and the platform's limits for one
// invocation. These tests check limits, not speed.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import {
  controlledDatabase, controlledRoleCaches, sinkOf, startDirect, workerOf,
} from "./support/direct.mjs";
import { messageOf } from "./support/pipeline.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const MEMBERS = 100_000;

const COLUMNS =
  "(id, org_id, user_id, role, deleted, updated_at, event_at, projection, digest)";

/** Queries per invocation, parameters per query: developers.cloudflare.com/d1/platform/limits */
const QUERIES_MAX = 1_000;
const PARAMETERS_MAX = 100;

/** One batch, same page. */
const BATCH_MS_MAX = 30_000;

/** Our limit: hints of one sweep, `SWEEP_ROUNDS_MAX` times `HINTS_PER_ROUND_MAX`. */
const HINTS_MAX = 1_000;

describe("a hundred thousand members", () => {
  const sealed = [];
  const [database, objects] = [controlledDatabase(), controlledRoleCaches()];
  const [org, role, perm] = [clerk.newId("org"), clerk.newId("role"), clerk.newId("perm")];
  let system;
  let consumer;

  before(async () => {
    const wrappedBindings = { DB: "controlled-database", ROLES: "controlled-role-caches" };
    system = await startDirect(
      [
        workerOf("ssr", { bindings: PEM_VARS }),
        workerOf("durable"),
        workerOf("consumer", {
          queueConsumers: undefined,
          d1Databases: undefined,
          durableObjects: undefined,
          wrappedBindings,
        }),
        workerOf("ingest", { queueProducers: { EVENTS: { queueName: "sealed" } } }),
        sinkOf(sealed, "sealed"),
        database.worker,
        objects.worker,
      ],
      { caches: { ROLES: "rolecall-durable" } },
    );
    consumer = await system.worker("rolecall-consumer");
    await system.sql(
      `INSERT INTO memberships ${COLUMNS}
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MEMBERS})
       SELECT 'orgmem_' || i, ?1, 'user_' || i, 'org:big', 0, 1, 1, 1, '' FROM n`,
      org,
    );
    const permissions = [{ id: perm, key: "org:x:read" }];
    await hand(clerk.role(role, { key: "org:big", permissions }));
  });
  after(() => system?.stop());
  afterEach(() => {
    objects.trouble = () => undefined;
    database.gate = () => undefined;
  });

  /** Runs `work`, checks the platform's limits, and returns the calls of role caches. */
  async function withinLimits(work) {
    const [queries, parameters] = [[], []];
    let began;
    database.gate = (moment, texts, bound) => {
      if (moment === "after") {
        assert.ok(Date.now() - began < BATCH_MS_MAX);
        return;
      }
      began = Date.now();
      queries.push(...texts);
      parameters.push(...bound.map(({ length }) => length));
    };
    const known = objects.calls.length;
    await work();
    database.gate = () => undefined;
    assert.ok(0 < queries.length && queries.length <= QUERIES_MAX, `${queries.length} queries`);
    assert.ok(Math.max(...parameters) <= PARAMETERS_MAX);
    return objects.calls.slice(known);
  }

  /** Has the consumer apply an event completely. */
  async function hand(event) {
    const { id } = await deliver(await system.worker("rolecall-ingest"), event);
    const isIt = (text) => JSON.parse(text).svix_id === id;
    const message = messageOf(await waitFor("it is encoded", () => sealed.find(isIt)), { id });
    const { outcome, explicitAcks } = await consumer.queue("rolecall-events", [message]);
    assert.deepEqual([outcome, explicitAcks], ["ok", [id]]);
  }

  async function sweep() {
    const { outcome } = await consumer.scheduled({ cron: "* * * * *" });
    assert.equal(outcome, "ok");
  }

  const may = async (user, permission) => {
    const ssr = await system.worker("rolecall-ssr");
    const where = `/api/check?org=${org}&permission=${permission}`;
    const url = `https://app.example.com${where}`;
    return (await ssr.fetch(url, { headers: bearer(mint(user)) })).status === 200;
  };

  /** Some of them, from the first to the last. */
  const some = Array.from({ length: 20 }, (_, i) => `user_${1 + i * 5_263}`);

  /** Every one of them, in the cache. */
  const all = async (permission, want) => {
    for (const user of some) assert.equal(await may(user, permission), want, user);
  };

  const owed = async () => {
    const text = "SELECT count(*) AS n FROM watches WHERE version > acked";
    return (await system.sql(text))[0].n;
  };

  it("C-11 F-16 follow when their role gets another permission, and another key", async () => {
    await all("org:x:read", true);
    await all("org:x:write", false);
    const write = clerk.newId("perm");
    const permissions = [{ id: write, key: "org:x:write" }];
    const changed = (key) => clerk.role(role, { key, permissions }, { verb: "updated" });
    const calls = await withinLimits(() => hand(changed("org:big")));
    assert.equal(calls.length, some.length, "only watched users get hints");
    await all("org:x:read", false);
    await all("org:x:write", true);

    // Nobody has it under its new key until Clerk sends the memberships.
    await withinLimits(() => hand(changed("org:large")));
    await all("org:x:write", false);
    const member = { org, user: some[3], role: "org:large" };
    await withinLimits(() => hand(clerk.membership(`orgmem_${some[3].slice(5)}`, member)));
    assert.ok(await may(some[3], "org:x:write"));
    assert.equal(await owed(), 0);
  });

  /** Creates more watches than a sweep can hint, and returns the number of watches. */
  const watchMany = async () => {
    await system.sql(
      `INSERT INTO watches (user_id, owner, version, acked, everyone_version)
       SELECT m.user_id, 7, 1, 1, e.version FROM memberships m JOIN everyone e
       WHERE m.org_id = ?1 LIMIT 1200
       ON CONFLICT (user_id) DO NOTHING`,
      org,
    );
    return (await system.sql("SELECT count(*) AS n FROM watches"))[0].n;
  };

  it("F-16 lose their organization, and the sweeps stay within their limits", async () => {
    // The role caches have forgotten their watches: each hint ends its watch.
    objects.trouble = ({ name }) => (some.includes(name) ? undefined : { answer: "gone" });
    const began = await watchMany();
    assert.ok(1_200 <= began);
    const calls = await withinLimits(() => hand(clerk.deleted("organization", org)));
    assert.ok(0 < calls.length && calls.length <= 200, `${calls.length} hints after the batch`);
    const left = await owed();
    assert.equal(left, began - calls.length);
    const first = await withinLimits(sweep);
    assert.equal(first.length, Math.min(left, HINTS_MAX));
    const second = await withinLimits(sweep);
    assert.equal(second.length, left - first.length, "it continues where the first one ended");
    assert.equal(await owed(), 0);
    objects.trouble = () => undefined;
    for (const user of some) assert.equal(await may(user, "org:x:write"), false);
  });

  it("F-16 get a new default role in limited steps", async () => {
    objects.trouble = ({ name }) => (some.includes(name) ? undefined : { answer: "gone" });
    const began = await watchMany();
    assert.ok(1_200 <= began);
    await system.sql("UPDATE settings SET value = '' WHERE key = 'default_role'");
    assert.equal(await owed(), 0, "the change writes no watch");
    // It writes the settings again, which is another change.
    const first = await withinLimits(sweep);
    assert.equal(first.length, HINTS_MAX);
    const second = await withinLimits(sweep);
    assert.equal(second.length, began - first.length, "each is hinted once");
    assert.equal(await owed(), 0);
    const behind = "SELECT count(*) AS n FROM watches, everyone e WHERE everyone_version < e.version";
    assert.equal((await system.sql(behind))[0].n, 0);
  });

  it("F-16 a user with a thousand organizations has all of them", async () => {
    const user = clerk.newId("user");
    await system.sql(
      `INSERT INTO memberships ${COLUMNS}
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       SELECT 'orgmem_many_' || i, 'org_many_' || i, ?1, 'org:member', 0, 1, 1, 1, '' FROM n`,
      user,
    );
    const ssr = await system.worker("rolecall-ssr");
    const get = async (where) => {
      const request = { headers: bearer(mint(user)), redirect: "manual" };
      return ssr.fetch(`https://app.example.com${where}`, request);
    };
    const { organizations } = await (await get("/api/me")).json();
    assert.equal(organizations.length, 1_000);
    for (const n of [1, 500, 1_000]) assert.equal((await get(`/orgs/org_many_${n}`)).status, 200);
    assert.equal((await get("/orgs/org_many_1001")).status, 403);
    await system.evict("rolecall-durable", user);
    assert.equal((await (await get("/api/me")).json()).source, "object");
    await hand(clerk.deleted("organization", "org_many_500"));
    assert.equal((await get("/orgs/org_many_500")).status, 403);
    assert.equal((await get("/orgs/org_many_499")).status, 200);
  });

  it("F-27 a user with five thousand organizations with a hundred permissions each", async () => {
    const user = clerk.newId("user");
    const permissions = Array.from({ length: 100 }, (_, n) => ({
      id: clerk.newId("perm"), key: `org:feature_${n}:manage_it_all`,
    }));
    const key = "org:of_very_many";
    await hand(clerk.role(clerk.newId("role"), { key, permissions }));
    await system.sql(
      `INSERT INTO memberships ${COLUMNS}
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       SELECT 'orgmem_5000_' || i, 'org_5000_' || i, ?1, ?2, 0, 1, 1, 1, '' FROM n`,
      user,
      key,
    );
    const ssr = await system.worker("rolecall-ssr");
    const get = async (where) => {
      const request = { headers: bearer(mint(user)), redirect: "manual" };
      return ssr.fetch(`https://app.example.com${where}`, request);
    };
    const may = async (org, permission) =>
      (await get(`/api/check?org=${org}&permission=${permission}`)).status;
    for (const n of [1, 2_500, 5_000]) {
      assert.equal(await may(`org_5000_${n}`, "org:feature_99:manage_it_all"), 200);
      assert.equal(await may(`org_5000_${n}`, "org:feature_100:manage_it_all"), 403);
    }
    const { organizations } = await (await get("/api/me")).json();
    assert.equal(organizations.length, 5_000);
    for (const { permissions: held } of organizations) assert.equal(held.length, 100);
    // It survives an eviction, and older guards, which read full lists, get it too.
    await system.evict("rolecall-durable", user);
    const { source } = await (await get("/api/me")).json();
    assert.equal(source, "object");
    const plain = await system.tell("ROLES", user, "ask", {});
    const compact = await system.tell("ROLES", user, "ask", { compact: true });
    assert.equal(plain.body.set.organizations[4_999].permissions.length, 100);
    assert.deepEqual([compact.body.set.lists.length, compact.body.set.lists[0].length], [1, 100]);
    assert.ok(JSON.stringify(compact.body).length < 500_000);
  });
});
