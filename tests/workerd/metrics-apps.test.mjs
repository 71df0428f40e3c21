// What ssr, ingest and durable count: each outcome is caused by a request, and read back out of
// Meter. And that they flush once an interval, not once a request.

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { OTHER_SECRET, deliver, newId, nowSeconds, signed } from "./support/delivery.mjs";
import {
  controlledMeter, controlledRoleCaches, sinkOf, standIn, startDirect, workerOf,
} from "./support/direct.mjs";
import { HEADER, PEM_VARS, bearer, compact, mint } from "./support/sessions.mjs";
import { JWKS_VARS } from "./support/settings-cases.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

/** Flushes behind each answer, unless a flush is open. */
const AT_ONCE = { METER_INTERVAL_MS: "0" };

/** Bytes of the largest body that ingest can accept: an isolate has room for two at once. */
const BODY_BYTES = 16_777_216;

/** Longer than a test. */
const SELDOM = { METER_INTERVAL_MS: "3600000" };

const METER = { className: "Meter", scriptName: "rolecall-durable" };

describe("metrics of the applications", () => {
  const [admin, banned] = [clerk.newId("user"), clerk.newId("user")];
  const staleRoles = controlledRoleCaches();
  const ssr = (name, bindings = {}, change = {}) =>
    workerOf("ssr", { name, bindings: { ...PEM_VARS, ...AT_ONCE, ...bindings }, ...change });
  const ingest = (name, bindings = {}, change = {}) =>
    workerOf("ingest", { name, bindings: { ...AT_ONCE, ...bindings }, ...change });
  const workers = {
    ssr: [
      ssr("app"),
      ssr("cached", { ROLES_ISOLATE_MS: "60000" }),
      ssr("keyless", { ...JWKS_VARS, CLERK_JWKS_URL: "http://127.0.0.1:9/jwks.json" }),
      ssr("misconfigured", { AUTHORIZED_PARTIES: undefined }),
      ssr("lonely", {}, { durableObjects: { METER } }),
      ssr("stale", {}, {
        durableObjects: { METER }, wrappedBindings: { ROLES: "controlled-role-caches" },
      }),
    ],
    ingest: [
      ingest("door", { CLERK_INSTANCE_ID: clerk.user(admin).instance_id }),
      ingest("secretless", { CLERK_WEBHOOK_SECRET: undefined }),
      ingest("queueless", {}, { queueProducers: {} }),
      ingest("tiny", { BODY_BYTES_MAX: "1024" }),
      ingest("roomy", { BODY_BYTES_MAX: `${BODY_BYTES}` }),
      ingest("besieged", {}, {
        ratelimits: { INGEST_LIMIT: { namespace_id: "1", simple: { limit: 1, period: 60 } } },
      }),
    ],
  };
  let system;

  before(async () => {
    const set = { version: 7, standing: "live", roles: ["admin"], organizations: [] };
    staleRoles.trouble = () =>
      ({ answer: { set, source: "object", age_ms: 60_001, good_for_ms: -1 } });
    system = await startDirect(
      [
        ...workers.ssr,
        ...workers.ingest,
        workerOf("durable", { bindings: AT_ONCE }),
        staleRoles.worker,
        sinkOf([]),
        standIn("meter-reader", {
          compatibilityDate: "2026-04-01", durableObjects: { METER },
        }),
      ],
      { caches: { ROLES: "rolecall-durable" } },
    );
    await system.sql("INSERT INTO roles (name) VALUES ('admin') ON CONFLICT DO NOTHING");
    const user = `INSERT INTO users
      (id, app_roles, banned, deleted, updated_at, event_at, projection, digest)
      VALUES (?1, '["admin"]', ?2, 0, 1, 1, 1, '')`;
    await system.sql(user, admin, 0);
    await system.sql(user, banned, 1);
  });
  after(() => system?.stop());

  /** The totals of one metric, by its label values joined with a slash. */
  async function totals(metric) {
    const reader = await system.worker("meter-reader");
    const { values } = await (await reader.fetch("https://meter.example")).json();
    const own = values.filter((it) => it.metric === metric);
    return Object.fromEntries(own.map((it) => [(it.labels ?? []).join("/"), it]));
  }

  /** Waits until a counter has these totals. A request that is not counted flushes the last one. */
  async function counted(metric, expected, flush) {
    await waitFor(`${metric} has its totals`, async () => {
      await flush();
      const got = Object.entries(await totals(metric)).map(([key, { value }]) => [key, value]);
      assert.deepEqual(Object.fromEntries(got), expected);
      return true;
    });
  }

  /** Waits until a histogram has as many observations, by label value. */
  async function observed(metric, expected, flush) {
    await waitFor(`${metric} has its observations`, async () => {
      await flush();
      const sum = ({ buckets }) => buckets.reduce((a, b) => a + b);
      const got = Object.entries(await totals(metric)).map(([key, it]) => [key, sum(it)]);
      assert.deepEqual(Object.fromEntries(got), expected);
      return true;
    });
  }

  const healthOf = (all) => () =>
    Promise.all(all.map(async ({ name }) => wire(await system.url(name), "/healthz")));

  it("counts each answer of the guard, and what it used", async () => {
    const past = { iat: nowSeconds() - 120, nbf: nowSeconds() - 120, exp: nowSeconds() - 60 };
    const as = (user, claims) => bearer(mint(user, { claims }));
    const browser = (cookie) => ({ accept: "text/html", cookie });
    const state = "0f5b2c1e-9d3a-4c57-8f10-6a2b7c9d4e11";
    const renewed = compact(HEADER, {
      handshake: [`__session=${mint(admin)}; Path=/`, `__client_uat=${nowSeconds()}; Path=/`],
    });
    const back = (asked, answer) =>
      `/dashboard?rolecall_asked=${asked}&__clerk_handshake=${answer}`;
    const returning = browser(`__Host-rolecall_asked=${state}`);
    const cases = [
      ["allowed/granted", "app", "/admin", as(admin), 200],
      ["forbidden/not-granted", "app", "/api/check?role=owner", as(admin), 403],
      ["forbidden/user-blocked", "app", "/dashboard", as(banned), 403],
      ["forbidden/impersonated", "app", "/admin", as(admin, { act: { sub: "user_desk" } }), 403],
      ["forbidden/not-reverified", "app", "/api/check?reverification=strict", as(admin), 403],
      ["signed-out/no-session", "app", "/api/me", {}, 401],
      ["signed-out/no-session", "app", "/api/me", as(admin, past), 401],
      ["signed-out/no-session", "app", back("another", "a.b.c"), returning, 302],
      ["redirected/handshake", "app", "/admin", browser(`__session=${mint(admin, { claims: past })}`), 307],
      ["redirected/handshake", "app", back(state, renewed), returning, 307],
      ["bad-query/bad-query", "app", "/api/check", as(admin), 400],
      ["unavailable/cache-refused", "app", `/api/me?min_version=${2 ** 50}`, as(admin), 503],
      ["unavailable/no-answer", "lonely", "/api/me", as(admin), 503],
      ["unavailable/role-set-too-old", "stale", "/api/me", as(admin), 503],
      ["unavailable/no-keys", "keyless", "/api/me", as(admin), 503],
      ["unavailable/misconfigured", "misconfigured", "/api/me", as(admin), 503],
      ["allowed/granted", "cached", "/api/me", as(admin), 200],
      ["allowed/granted", "cached", "/api/check?role=admin", as(admin), 200],
    ];
    for (const [key, name, path, headers, status] of cases) {
      const answer = await wire(await system.url(name), path, { headers });
      assert.equal(answer.status, status, `${key} ${path}: ${answer.text}`);
    }
    const flush = healthOf(workers.ssr);
    const number = (keys) => {
      const sums = {};
      for (const key of keys) sums[key] = 1 + (sums[key] ?? 0);
      return sums;
    };
    const keys = cases.map(([key]) => key);
    await counted("rolecall_guard_answers_total", number(keys), flush);
    const outcomes = number(keys.map((key) => key.split("/")[0]));
    await observed("rolecall_guard_seconds", outcomes, flush);
    // The first query of each user is a fill. Below, the object has the answer.
    const used = { fill: 2, object: 5, isolate: 1, none: 2 };
    await counted("rolecall_cache_answers_total", used, flush);
    const { none, ...aged } = used;
    await observed("rolecall_cache_age_seconds", aged, flush);
    const refused = { expired: 1, handshake: 1 };
    await counted("rolecall_session_refusals_total", refused, flush);
    const handshakes = { started: 1, rejected: 1, completed: 1 };
    await counted("rolecall_handshakes_total", handshakes, flush);
    await counted("rolecall_jwks_fetches_total", { "ssr/failed": 1 }, flush);

    // The role cache objects saw the same queries: not those of the isolate, of the stand-in, and
    // of the Worker without a binding.
    const peek = () => system.tell("ROLES", admin, "peek", {});
    await counted("rolecall_object_answers_total", { fill: 2, object: 4, refused: 1 }, peek);
    await counted("rolecall_fills_total", { filled: 2 }, peek);
    await observed("rolecall_fill_seconds", { "": 2 }, peek);
    const batches = (await totals("rolecall_d1_queries_total"))["durable/ok"].value;
    assert.ok(2 <= batches, `${batches} batches for two fills`);
    for (const metric of ["rolecall_d1_rows_read_total", "rolecall_d1_rows_written_total"]) {
      const { value } = (await totals(metric)).durable;
      assert.ok(2 <= value, `${metric}: ${value} for two watches and two users`);
    }
  });

  /** Sends all of a body but its last byte, and returns the status. */
  async function upload(name, bytes) {
    const { hostname: host, port } = await system.url(name);
    const body = "x".repeat(bytes - 1);
    const headers = { ...signed(body), host: "ingest.example", "content-length": `${bytes}` };
    return new Promise((done, fail) => {
      const sending = request({ host, port, path: "/webhooks/clerk", method: "POST", headers });
      sending.on("response", ({ statusCode }) => {
        done(statusCode);
        sending.destroy();
      });
      sending.on("error", fail);
      sending.write(body);
    });
  }

  /** Sends bad signatures until one is over the limit, and returns how many were not. */
  async function flood(name) {
    const body = JSON.stringify(clerk.user(clerk.newId("user")));
    const how = { secret: OTHER_SECRET, headers: { "cf-connecting-ip": "192.0.2.7" } };
    const worker = await system.worker(name);
    const answer = async () => (await deliver(worker, body, { id: newId(), ...how })).status;
    let refused = 0;
    while ((await answer()) !== 429) refused += 1;
    return refused;
  }

  // But for `aborted`: with its connection an invocation may end, and then nothing counts.
  it("counts each outcome of the door", async () => {
    const body = JSON.stringify(clerk.user(clerk.newId("user")));
    const at = (seconds) => ({ at: nowSeconds() + seconds });
    const other = { ...clerk.user(clerk.newId("user")), instance_id: "ins_other" };
    const deliveries = [
      ["enqueued/user.created", "door", body, {}],
      ["enqueued-unreadable/user.created", "door", '{"type":"user.created","data":7}', {}],
      ["ignored/other", "door", '{"type":"session.created","data":{}}', {}],
    ];
    const refusals = [
      ["mixed-headers", "door", body, { headers: { "webhook-id": "msg_x" } }],
      ["missing-header", "door", body, { headers: { "svix-id": "" } }],
      ["bad-header", "door", body, { headers: { "svix-timestamp": "soon" } }],
      ["too-old", "door", body, at(-310)],
      ["in-future", "door", body, at(310)],
      ["bad-signature", "door", body, { secret: OTHER_SECRET }],
      ["content-encoded", "door", body, { headers: { "content-encoding": "gzip" } }],
      ["foreign-instance", "door", JSON.stringify(other), {}],
      ["too-large", "tiny", JSON.stringify({ filler: "x".repeat(2_000) }), {}],
      ["misconfigured", "secretless", body, {}],
      ["queue-unavailable", "queueless", body, {}],
    ];
    for (const [key, name, sent, how] of [...deliveries, ...refusals]) {
      const { status } = await deliver(await system.worker(name), sent, { id: newId(), ...how });
      assert.equal(status === 202, deliveries.some(([it]) => it === key), `${key}: ${status}`);
    }
    const flush = healthOf(workers.ingest);
    // Some have no room, and those that have it never end.
    const uploads = await Promise.all([1, 2, 3].map(() => upload("roomy", BODY_BYTES)));
    assert.deepEqual([...new Set(uploads)].sort(), [408, 503]);
    const uploaded = (status) => uploads.filter((it) => it === status).length;
    const signatures = await flood("besieged");

    const once = (all) => Object.fromEntries(all.map(([key]) => [key, 1]));
    await counted("rolecall_deliveries_total", once(deliveries), flush);
    const refused = {
      ...once(refusals),
      "bad-signature": 1 + signatures,
      "rate-limited": 1,
      "over-capacity": uploaded(503),
      timeout: uploaded(408),
    };
    await counted("rolecall_refusals_total", refused, flush);
    const answers = deliveries.length + refusals.length + uploads.length + signatures + 1;
    await observed("rolecall_door_seconds", { "": answers }, flush);
  });
});

describe("flushes of the applications", () => {
  const meter = controlledMeter();
  let system;

  before(async () => {
    meter.trouble = () => ({ answer: { result: "counted" } });
    const change = { wrappedBindings: { METER: "controlled-meter" } };
    const ROLES = { className: "RoleCache", scriptName: "rolecall-durable" };
    system = await startDirect([
      workerOf("ssr", {
        bindings: { ...PEM_VARS, ...SELDOM }, durableObjects: { ROLES }, ...change,
      }),
      workerOf("ingest", { bindings: SELDOM, durableObjects: {}, ...change }),
      workerOf("durable", { bindings: SELDOM }),
      meter.worker,
      sinkOf([]),
    ]);
  });
  after(() => system?.stop());

  for (const name of ["ssr", "ingest"]) {
    it(`${name} sends one in its interval, for however many requests`, async () => {
      const before = meter.calls.length;
      const url = await system.url(`rolecall-${name}`);
      const body = JSON.stringify(clerk.user(clerk.newId("user")));
      const ask = {
        ssr: () => wire(url, "/api/me"),
        ingest: () =>
          wire(url, "/webhooks/clerk", { method: "POST", body, headers: signed(body) }),
      };
      const statuses = async (times) => {
        const answers = await Promise.all(Array.from({ length: times }, ask[name]));
        return new Set(answers.map(({ status }) => status));
      };
      const expected = new Set([{ ssr: 401, ingest: 202 }[name]]);
      assert.deepEqual(await statuses(20), expected);
      await waitFor("a flush", () => before < meter.calls.length);
      assert.deepEqual(await statuses(20), expected);
      const flushes = meter.calls.slice(before).map(({ path }) => path);
      assert.deepEqual(flushes, ["/flush"]);
    });
  }
});
