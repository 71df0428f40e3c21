// What the Workers log: one trace id from the door to the cache, objects for Workers Logs, sampling,
// and nothing that a stranger wrote.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Miniflare, Response } from "miniflare";

import * as clerk from "./support/clerk.mjs";
import { METRICS_TOKEN, ask, settingsOf } from "./support/console.mjs";
import { deliver, newId, post, send, signed } from "./support/delivery.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { FIELDS, mistakesOf } from "./support/log-lines.mjs";
import { bearer } from "./support/sessions.mjs";
import { start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const linesOf = (system) => system.logs().split("\n").filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line));

/** A user with a role, whose role cache has been asked. */
async function watchedUser(system) {
  const user = clerk.newId("user");
  const made = await deliver(system.ingest, clerk.user(user, { public_metadata: { role: "admin" } }));
  await system.waitForOutcome(made);
  await system.ask(user);
  return user;
}

describe("the log", () => {
  let system;

  before(async () => {
    system = await start({ ssr: true, ingest: true, consumer: true, durable: true, console: true });
  });
  after(() => system?.stop());

  it("has one trace id for a delivery, from ingest to the role cache", async () => {
    const user = await watchedUser(system);
    const changed = clerk.user(user, { public_metadata: { role: "editor" } });
    const { id } = await deliver(system.ingest, changed);
    const of = (message) => linesOf(system).find((line) => line.message === message &&
      (line.trace_id === id || line.trace_ids?.split(" ").includes(id)));
    const taken = await waitFor("the hint is taken", () => of("hint taken"));
    assert.deepEqual([taken.worker, taken.trace_id, taken.user_id], ["durable", id, user]);
    assert.equal(taken.outcome, "filled");
    const accepted = of("delivery accepted");
    assert.deepEqual([accepted.worker, accepted.level], ["ingest", "INFO"]);
    const committed = of("D1 batch committed");
    assert.deepEqual([committed.worker, committed.merged], ["consumer", 1]);
    const { batch } = await system.row("SELECT batch FROM deliveries WHERE svix_id = ?1", id);
    assert.equal(committed.batch_id, batch);
    for (const { duration_ms } of [taken, accepted, committed]) assert.ok(0 <= duration_ms);
  });

  it("has the trace id in the line of a parked message", async () => {
    const id = clerk.newId("user");
    const odd = clerk.user(id);
    odd.data.updated_at = "yesterday";
    const answer = await deliver(system.ingest, odd);
    await system.waitForDeadLetter(answer);
    const isIt = (line) => line.message === "message parked" && line.trace_id === answer.id;
    const line = await waitFor("it is logged", () => linesOf(system).find(isIt));
    assert.deepEqual([line.level, line.worker], ["ERROR", "consumer"]);
  });

  it("has no line for a guard check that is allowed", async () => {
    const user = await watchedUser(system);
    const known = system.logs().length;
    for (let n = 0; n < 5; n += 1) assert.equal((await system.check(user, "role=admin")).allowed, true);
    assert.equal((await system.check(user, "role=nobody")).allowed, false);
    const isDenied = () => /access decision/.test(system.logs().slice(known));
    await waitFor("the denial is logged", isDenied);
    assert.equal(system.logs().slice(known).split("access decision").length, 2);
  });

  it("A-8 has nothing that a stranger writes into headers, paths and roles", async () => {
    const hostile = [
      `msg_${"x".repeat(5_000)}`, "msg_\u001b[31mcanary-0\r\nforged", "msg_eyJhbGciOiJSUzI1NiJ9.canary-1",
      "canary-2 <canary.two@example.com>", "203.0.113.77", "sk_live_canary3canary3",
      '"},{"level":"ERROR","message":"forged',
    ];
    const known = system.logs().length;
    for (const raw of hostile) {
      const path = encodeURIComponent(raw);
      // No client can send a control character in a header.
      const text = raw.replace(/[^ -~]+/g, "");
      const refused = post("{}", { ...signed("{}", { id: newId() }), "svix-id": text });
      assert.equal((await send(system.ingest, refused)).status, 401, text);
      const headers = { authorization: `Bearer ${text}`, "x-forwarded-for": text, cookie: text };
      await system.get(null, `/${path}?${path}=${path}`, { headers });
      await system.get("user_2Hostile", `/api/check?role=${path}`, { headers: { "x-id": text } });
      await system.console.fetch(`https://console.example/api/v1/letters/${path}`, { headers });
    }
    const count = () => system.logs().slice(known).split('"delivery rejected"').length - 1;
    await waitFor("each refusal is logged", () => count() === hostile.length);
    const logged = system.logs().slice(known);
    for (const text of [/canary/, /forged/, /example\.com/, /x{100}/, /203\.0/]) {
      assert.doesNotMatch(logged, text);
    }
  });
});

describe("a row of another schema", () => {
  let system;

  before(async () => {
    const bindings = settingsOf("https://team.cloudflareaccess.com");
    system = await startDirect([workerOf("durable"), workerOf("console", { bindings })]);
  });
  after(() => system?.stop());

  it("A-8 is named in the log without its values", async () => {
    await system.sql("DROP TABLE totals");
    await system.sql("CREATE TABLE totals (metric, labels, total)");
    await system.sql("INSERT INTO totals VALUES ('x', '', 'ada@example.com')");
    const url = await system.url("rolecall-console");
    const { text } = await ask(url, "/metrics", { headers: bearer(METRICS_TOKEN) });
    assert.match(text, /^rolecall_d1_up 0$/m);
    const line = () => linesOf(system).find(({ message }) => message === "D1 query failed");
    assert.match((await waitFor("it is logged", line)).cause, /TotalRow/);
    assert.doesNotMatch(system.logs(), /ada@/);
  });
});

it("the log is checked: A-8 each mistake is found", () => {
  const line = (more) => JSON.stringify({ level: "INFO", worker: "ssr", message: "x", ...more });
  assert.deepEqual(mistakesOf([line({}), line({ cause: "user_2a", duration_ms: 3 })]), []);
  const wrong = {
    "an e-mail address": { cause: "a@example.com" },
    "a token": { cause: "x eyJhbGciOi" },
    "a secret": { cause: "whsec_abcdefgh" },
    "an IPv4 address": { cause: "from 203.0.113.7" },
    "an IPv6 address": { cause: "2001:db8:0:0::7" },
    "a secret of this suite": { cause: "only-this-suite" },
    "the unknown field kind": { kind: "x" },
    "duration_ms, which is no number": { duration_ms: "3" },
    "a long cause": { cause: "x".repeat(1_004) },
    "an unknown reason": { message: "delivery rejected", reason: "it is 7 s old" },
  };
  for (const [what, more] of Object.entries(wrong)) {
    const [found] = mistakesOf([line(more)], ["only-this-suite"]);
    assert.ok(found?.includes(what), `${what}: ${found}`);
  }
  // A reason of another message is unknown too, and of one that has none.
  const parked = { message: "message parked", reason: "shape" };
  assert.deepEqual(mistakesOf([line(parked)]), []);
  assert.match(mistakesOf([line({ ...parked, message: "delivery rejected" })])[0], /reason/);
  assert.match(mistakesOf([line({ reason: "shape" })])[0], /reason/);
  // The runtime's own lines have another form, but nothing personal or secret either.
  const panic = "Error: panicked at src/x.rs:3:5\n    at only-this-suite";
  assert.deepEqual(mistakesOf([panic]), []);
  assert.match(mistakesOf([panic], ["only-this-suite"])[0], /a secret of this suite/);
  assert.match(mistakesOf(["uncaught exception: a@example.com"])[0], /an e-mail address/);
  assert.match(mistakesOf(["sweep done"])[0], /no JSON/);
  assert.match(mistakesOf([`${line({})}\n${line({})}`])[0], /a control character/);
  assert.ok(30 < FIELDS.size);
});

describe("ordinary lines are sampled", () => {
  let none;

  before(async () => {
    const bindings = { LOG_SAMPLE_RATE: "0" };
    const workers = ["ingest", "durable"].map((env) => workerOf(env, { bindings }));
    none = await startDirect([...workers, workerOf("consumer")]);
  });
  after(() => none?.stop());

  it("away with a rate of 0, but no warning, error or batch", async () => {
    const ingest = await none.worker("rolecall-ingest");
    const { id } = await deliver(ingest, clerk.user(clerk.newId("user")));
    await waitFor("it is committed", () => none.logs().includes("D1 batch committed"));
    await send(ingest, post("{}", { ...signed("{}"), "svix-signature": "v1,none" }));
    await waitFor("the warning is there", () => none.logs().includes("delivery rejected"));
    assert.ok(none.logs().includes(id), "in the line of the batch");
    assert.doesNotMatch(none.logs(), /delivery accepted/);
  });
});

describe("Workers Logs gets objects", () => {
  it("with the fields, from a Worker's console", async () => {
    const received = [];
    const TEST = async (request) => {
      received.push(...(await request.json()));
      return new Response();
    };
    const tail = {
      name: "tail",
      modules: true,
      compatibilityDate: "2026-04-01",
      serviceBindings: { TEST },
      script: `export default {
        async tail(events, env) {
          await env.TEST.fetch("http://test/", { method: "POST", body: JSON.stringify(events) });
        },
      }`,
    };
    const workers = [
      workerOf("ingest", { tails: ["tail"] }),
      workerOf("ssr", { tails: ["tail"], bindings: { AUTHORIZED_PARTIES: "not a url" } }),
      workerOf("durable"),
      workerOf("console", { tails: ["tail"] }),
      tail,
    ];
    const miniflare = new Miniflare({ cf: false, handleStructuredLogs() {}, workers });
    try {
      const ask = async (env, path, init) =>
        (await miniflare.getWorker(`rolecall-${env}`)).fetch(`https://x.example${path}`, init);
      const headers = { ...signed("{}"), "svix-signature": "v1,none" };
      await ask("ingest", "/webhooks/clerk", { method: "POST", body: "{}", headers });
      await ask("ssr", "/healthz");
      await ask("console", "/api/v1/whoami");
      for (const [worker, message] of [
        ["ingest", "delivery rejected"], ["ssr", "invalid settings"], ["console", "request refused"],
      ]) {
        const logs = () => received.flatMap((event) => event.logs);
        const isIt = (log) => log.message[0]?.message === message;
        const log = await waitFor(`${worker}'s line`, () => logs().find(isIt));
        assert.equal(log.message.length, 1, "one console call for each event");
        assert.equal(log.message[0].worker, worker);
        const levels = { ERROR: "error", WARN: "warn", INFO: "log" };
        assert.equal(log.level, levels[log.message[0].level]);
      }
    } finally {
      await miniflare.dispose();
    }
  });
});
