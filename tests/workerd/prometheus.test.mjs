// Prometheus itself scrapes the console while the system works: no scrape fails, in either format;
// what is said to be exact agrees with the database; and no counter ever goes back.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { METRICS_TOKEN, TOKEN, ask } from "./support/console.mjs";
import { deliver } from "./support/delivery.mjs";
import { controlledDatabase, startDirect, workerOf } from "./support/direct.mjs";
import { promtool, startPrometheus } from "./support/prometheus.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

/** Every answer is flushed at once, so that a count is not waited for. */
const AT_ONCE = { METER_INTERVAL_MS: 0 };
const CONSOLE = { ...AT_ONCE, METRICS_TOKEN, OPERATOR_TOKEN: TOKEN };

const USERS = 20;
const CHECKS = 40;

/** Every series that only grows. */
const GROWING = '{__name__=~"rolecall_.+_(total|bucket|count|sum)"}';

const startAll = (folder, durable = {}) =>
  startDirect(
    [
      workerOf("ingest", { bindings: AT_ONCE }),
      workerOf("consumer", { bindings: AT_ONCE }),
      workerOf("durable", { bindings: { ...AT_ONCE, ...durable } }),
      workerOf("ssr", { bindings: { ...PEM_VARS, ...AT_ONCE } }),
      workerOf("console", { bindings: CONSOLE }),
    ],
    { folder },
  );

/** Passes requests on to `urlOf()`, with the headers `changed`: an address that outlives a system. */
async function relay(urlOf, changed = {}) {
  const server = createServer(async (request, response) => {
    try {
      const headers = { ...request.headers, ...changed };
      const answer = await ask(await urlOf(), request.url, { headers });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
      response.end(answer.text);
    } catch (cause) {
      response.writeHead(502).end(String(cause));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => new Promise((done) => server.close(done).closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}/metrics`, stop };
}

/** The samples of a page in the classic format, by series. */
const samplesOf = (text) =>
  new Map(
    text
      .split("\n")
      .filter((line) => line && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );

describe("Prometheus", () => {
  let folder;
  let system;
  let relays;
  let prometheus;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "rolecall-metrics-"));
    system = await startAll(folder);
    const urlOf = () => system.url("rolecall-console");
    relays = await Promise.all([relay(urlOf), relay(urlOf, { accept: "text/plain;version=0.0.4" })]);
    const [open, classic] = relays;
    prometheus = await startPrometheus({
      token: METRICS_TOKEN,
      // Also the time that a scrape may take.
      every: "5s",
      targets: [{ url: open.url, instance: "open" }, { url: classic.url, instance: "classic" }],
    });
  });
  after(async () => {
    await prometheus?.stop();
    await system?.stop();
    for (const { stop } of relays ?? []) await stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const page = async (headers = {}) => {
    const url = await system.url("rolecall-console");
    return ask(url, "/metrics", { headers: { ...bearer(METRICS_TOKEN), ...headers } });
  };

  const total = async (metric) => {
    const text = "SELECT coalesce(sum(total), 0) AS total FROM totals WHERE metric = ?1";
    return (await system.sql(text, metric))[0].total;
  };

  /** Delivers events of some users, of which one is parked, and asks guards. Returns how many. */
  async function work() {
    const [ingest, ssr] = await Promise.all(
      ["rolecall-ingest", "rolecall-ssr"].map((name) => system.worker(name)),
    );
    const before = await total("rolecall_messages_total");
    const users = Array.from({ length: USERS }, () => clerk.newId("user"));
    const events = users.flatMap((user) => [clerk.user(user), clerk.user(user)]);
    const strange = clerk.user(clerk.newId("user"));
    strange.data.updated_at = 0.5;
    const given = await Promise.all([...events, strange].map((event) => deliver(ingest, event)));
    for (const { status } of given) assert.equal(status, 202);
    const check = async (place) => {
      const headers = bearer(mint(users[place % USERS]));
      const request = { headers, redirect: "manual" };
      await (await ssr.fetch("https://app.example.com/admin", request)).text();
    };
    await Promise.all(Array.from({ length: CHECKS }, (_, place) => check(place)));
    const all = async () => (await total("rolecall_messages_total")) === before + given.length;
    await waitFor("every message is committed", all);
    return given.length;
  }

  let deliveries = 0;

  it("has a page that promtool finds nothing in", async () => {
    deliveries += await work();
    const classic = await page();
    assert.equal(classic.status, 200);
    const { code, output } = await promtool(["check", "metrics"], classic.text);
    assert.deepEqual({ code, output }, { code: 0, output: "" });
  });

  it("scrapes both formats under load without an error, and sees the same in both", async () => {
    const working = work();
    await prometheus.scraped();
    deliveries += await working;
    await prometheus.scraped();
    await prometheus.scraped();
    assert.equal(prometheus.logs(), "");
    assert.deepEqual(await prometheus.query("min_over_time(up[10m]) < 1"), []);
    const counts = await prometheus.query("scrape_samples_scraped");
    const [open, classic] = counts.map(({ value }) => Number(value[1]));
    assert.equal(open, classic);
    assert.ok(500 < open && open < 2_000, `${open} samples`);
    const seenBy = async (instance) => {
      const name = "rolecall_(batches|messages|events|parked)_total";
      const result = await prometheus.query(`{__name__=~"${name}",instance="${instance}"}`);
      const text = ({ instance: _instance, job: _job, ...labels }) => JSON.stringify(Object.entries(labels).sort());
      return result.map(({ metric, value }) => `${text(metric)} ${value[1]}`).sort();
    };
    const ofOpen = await seenBy("open");
    assert.ok(50 < ofOpen.length, ofOpen.join("\n"));
    assert.deepEqual(await seenBy("classic"), ofOpen);
  });

  it("agrees with the database where the page says exact", async () => {
    await prometheus.scraped();
    const rows = await system.sql("SELECT metric, labels, total FROM totals");
    assert.ok(3 < rows.length, JSON.stringify(rows));
    const inDatabase = new Map();
    for (const { metric, total: count } of rows) {
      inDatabase.set(metric, (inDatabase.get(metric) ?? 0) + count);
    }
    for (const [metric, count] of inDatabase) {
      assert.equal(await prometheus.number(`sum(${metric}{instance="open"})`), count, metric);
    }
    const sum = (metric) => prometheus.number(`sum(${metric}{instance="open"})`);
    const [{ copies, parked }] = await system.sql(
      "SELECT sum(copies) AS copies, sum(outcome = 'parked') AS parked FROM deliveries",
    );
    assert.equal(copies, deliveries);
    assert.equal(await sum("rolecall_events_total"), deliveries);
    assert.equal(await sum("rolecall_messages_total"), deliveries);
    const ofParked = 'sum(rolecall_events_total{instance="open",outcome="parked"})';
    assert.equal(await prometheus.number(ofParked), parked);
    // At most the true number; here nothing was lost.
    // An isolate flushes what it has counted behind its next answer.
    const counted = async (metric) => {
      for (const name of ["rolecall-ingest", "rolecall-ssr"]) {
        await (await (await system.worker(name)).fetch("https://x.example/healthz")).text();
      }
      const samples = [...samplesOf((await page()).text)];
      const of = samples.filter(([name]) => name.startsWith(`${metric}{`));
      return of.reduce((total, [, value]) => total + value, 0);
    };
    const isAll = (metric, all) => async () => (await counted(metric)) === all;
    await waitFor("every delivery is counted", isAll("rolecall_deliveries_total", deliveries));
    await waitFor("every question is counted", isAll("rolecall_guard_answers_total", 2 * CHECKS));
  });

  it("never sees a counter go back: a new console, an evicted Meter, a new deployment", async () => {
    const before = samplesOf((await page()).text);
    assert.ok(0 < before.size, "there are counters");
    await system.evictMeter(0);
    await prometheus.scraped();
    // Every isolate ends, as when every Worker is deployed; durable with other settings.
    await system.stop();
    system = await startAll(folder, { ROLES_SOFT_MS: 20_000 });
    await prometheus.scraped();
    deliveries += await work();
    await prometheus.scraped();
    const afterwards = samplesOf((await page()).text);
    const less = [...before].filter(
      ([name, value]) => /_(total|bucket|count|sum)(\{|$)/.test(name) && !(value <= afterwards.get(name)),
    );
    assert.deepEqual(less, []);
    const back = (await prometheus.query(`${GROWING}[10m]`)).filter(({ values }) =>
      values.some(([, value], place) => 0 < place && Number(value) < Number(values[place - 1][1])),
    );
    assert.deepEqual(back.map(({ metric }) => metric), []);
    const grown = await prometheus.number('rolecall_messages_total{instance="open"}');
    assert.equal(grown, deliveries);
  });
});

describe("/metrics while something is down", () => {
  const database = controlledDatabase();
  let system;

  before(async () => {
    const wrappedBindings = { DB: "controlled-database" };
    const console_ = (name, change) => workerOf("console", { name, bindings: CONSOLE, ...change });
    const { METER, ...others } = workerOf("console").durableObjects;
    assert.ok(METER, "the console has Meter");
    system = await startDirect([
      workerOf("durable"),
      console_("without-d1", { d1Databases: undefined, wrappedBindings }),
      console_("without-meter", { durableObjects: others }),
      console_("with-shards", { bindings: { ...CONSOLE, METER_SHARDS: 3 } }),
      database.worker,
    ]);
  });
  after(() => system?.stop());

  async function page(name, how = {}) {
    const headers = bearer(METRICS_TOKEN);
    const answer = await ask(await system.url(name), "/metrics", { headers, ...how });
    assert.equal(answer.status, 200, answer.text);
    return { ...answer, samples: samplesOf(answer.text) };
  }

  it("shows what Meter knows while D1 is down", async () => {
    database.gate = () => "D1_ERROR: Network connection lost.";
    const { samples, text } = await page("without-d1");
    assert.deepEqual([samples.get("rolecall_d1_up"), samples.get("rolecall_meter_up")], [0, 1]);
    assert.equal(samples.get('rolecall_refusals_total{reason="timeout"}'), 0);
    assert.ok(!text.includes("rolecall_batches_total"), text);
    assert.match(text, /^rolecall_build_info\{version="[\d.]+",schema="unknown"\} 1$/m);
    assert.deepEqual(await promtool(["check", "metrics"], text), { code: 0, output: "" });
    database.gate = () => undefined;
    assert.equal((await page("without-d1")).samples.get("rolecall_d1_up"), 1);
  });

  it("shows what D1 knows while Meter is down", async () => {
    const { samples, text } = await page("without-meter");
    assert.deepEqual([samples.get("rolecall_d1_up"), samples.get("rolecall_meter_up")], [1, 0]);
    assert.equal(samples.get("rolecall_batches_total"), 0);
    assert.ok(0 < samples.get("rolecall_d1_size_bytes"));
    assert.equal(samples.get("rolecall_d1_size_limit_bytes"), 10_000_000_000);
    assert.ok(!text.includes("rolecall_refusals_total"), text);
    assert.deepEqual(await promtool(["check", "metrics"], text), { code: 0, output: "" });
  });

  it("tells on the overview that Meter did not answer", async () => {
    const headers = { ...bearer(TOKEN), accept: "text/html" };
    const overview = async (name) => ask(await system.url(name), "/", { headers });
    const [without, withMeter] = [await overview("without-meter"), await overview("with-shards")];
    assert.deepEqual([without.status, withMeter.status], [200, 200]);
    assert.ok(without.text.includes("Meter did not answer"));
    assert.ok(!withMeter.text.includes("Meter did not answer"));
  });

  it("sums the shards, and answers HEAD without a body", async () => {
    const { samples } = await page("with-shards");
    assert.equal(samples.get("rolecall_meter_up"), 1);
    const head = await page("with-shards", { method: "HEAD" });
    assert.equal(head.text, "");
    assert.match(head.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  });
});
