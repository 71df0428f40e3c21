// Meter against the real Workers: what isolates count is added up once, and never goes back.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import { Response } from "miniflare";

import * as clerk from "./support/clerk.mjs";
import { METRICS_TOKEN, ask, settingsOf } from "./support/console.mjs";
import { deliver, newId } from "./support/delivery.mjs";
import { controlledDatabase, sinkOf, standIn, startDirect, workerOf } from "./support/direct.mjs";
import { messageOf } from "./support/pipeline.mjs";
import { bearer } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const DELIVERIES = "rolecall_deliveries_total";
const MINUTE_MS = 60_000;

const delivered = (value) => ({ metric: DELIVERIES, labels: ["enqueued", "user.created"], value });

/** A flush of an isolate. */
const flushOf = (source, sequence, values, more = {}) => ({
  source, sequence, worker: "ingest", at: Date.now(), shards: 1, values, ...more,
});

/** Sends a flush, and returns what became of it. */
async function flush(system, shard, ...flushed) {
  const { status, body } = await system.meter(shard, "flush", flushOf(...flushed));
  assert.equal(status, 200, body);
  return JSON.parse(body).result;
}

/** Returns what a shard knows. */
async function totals(system, shard = 0) {
  const { status, body } = await system.meter(shard, "totals");
  assert.equal(status, 200, body);
  return JSON.parse(body);
}

/** Returns the sum of a metric's series, of those with this label value if one is named. */
function sumOf({ values }, metric, label) {
  const of = values.filter((it) => it.metric === metric && (!label || it.labels.includes(label)));
  return of.reduce((sum, { value }) => sum + value, 0);
}

describe("Meter", () => {
  let folder;
  let system;

  const boot = async (durable = {}) => {
    system = await startDirect([workerOf("durable", durable)], { folder });
  };
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "rolecall-meter-"));
    await boot();
  });
  after(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("counts a flush once, however often it arrives", async () => {
    const again = Array.from({ length: 8 }, () => flush(system, 0, "once", 1, [delivered(3)]));
    const results = await Promise.all(again);
    assert.deepEqual(results.sort(), ["counted", ...Array(7).fill("repeated")]);
    assert.equal(await flush(system, 0, "once", 2, [delivered(2)]), "counted");
    assert.equal(await flush(system, 0, "once", 1, [delivered(3)]), "repeated");
    const known = await totals(system);
    assert.equal(sumOf(known, DELIVERIES), 5);
    const counts = Object.fromEntries(known.flushes.map(({ labels, value }) => [labels[0], value]));
    assert.deepEqual(counts, { counted: 2, repeated: 8 });
    assert.deepEqual(known.last_flush.map(({ worker }) => worker), ["ingest"]);
  });

  it("knows the same after an eviction, and after a deployment", async () => {
    const before = await totals(system);
    assert.notEqual(sumOf(before, DELIVERIES), 0);
    await system.evictMeter(0);
    assert.deepEqual(await totals(system), before);
    await system.stop();
    // Another version of the Worker: new isolates on the same storage.
    await boot({ bindings: { ROLES_SOFT_MS: "1" } });
    assert.deepEqual(await totals(system), before);
    assert.equal(await flush(system, 0, "once", 2, [delivered(2)]), "repeated");
    assert.deepEqual((await totals(system)).values, before.values);
  });

  it("drops what it does not know, and says how much", async () => {
    const before = await totals(system);
    const unknown = [
      { metric: "rolecall_of_a_newer_build_total", value: 1 },
      { metric: DELIVERIES, labels: ["of-a-newer-build", "user.created"], value: 1 },
      { metric: "rolecall_door_seconds", value: 1, buckets: [1] },
      delivered(1),
    ];
    assert.equal(await flush(system, 0, "newer", 1, unknown), "counted");
    const known = await totals(system);
    assert.equal(known.dropped, before.dropped + 3);
    assert.equal(sumOf(known, DELIVERIES), sumOf(before, DELIVERIES) + 1);
    const old = { at: Date.now() - 25 * 60 * MINUTE_MS };
    assert.equal(await flush(system, 0, "old", 1, [delivered(1)], old), "refused");
    const { body } = await system.meter(0, "flush", { not: "a flush" });
    assert.equal(JSON.parse(body).result, "refused");
    assert.deepEqual((await totals(system)).values, known.values);
  });

  it("keeps the past by the minute", async () => {
    const now = Date.now();
    const since = now - (now % MINUTE_MS) - 59 * MINUTE_MS;
    const query = `history?since=${since}&slot_ms=${10 * MINUTE_MS}&points=7`;
    const { status, body } = await system.meter(0, query);
    assert.equal(status, 200, body);
    const { slots } = JSON.parse(body);
    const sum = slots.map((slot) => sumOf(slot, DELIVERIES)).reduce((a, b) => a + b);
    assert.deepEqual([slots.length, sum], [7, sumOf(await totals(system), DELIVERIES)]);
    assert.equal((await system.meter(0, "history?since=0&slot_ms=1&points=7")).status, 400);
  });
});

describe("two shards of Meter", () => {
  let system;

  before(async () => {
    const bindings = settingsOf("https://team.cloudflareaccess.com");
    system = await startDirect([workerOf("durable"), workerOf("console", { bindings })]);
  });
  after(() => system?.stop());

  /** Returns the deliveries in a scrape. The console has `METER_SHARDS` as it is by default: 1. */
  async function scraped() {
    const url = await system.url("rolecall-console");
    const { status, text } = await ask(url, "/metrics", { headers: bearer(METRICS_TOKEN) });
    assert.equal(status, 200);
    const lines = text.split("\n").filter((line) => line.startsWith(`${DELIVERIES}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  it("are summed, and after METER_SHARDS was lowered too", async () => {
    // FNV-1a: `b` belongs to shard 1 of 2. Shard 0 hears of two shards from shard 1 alone.
    assert.equal(await flush(system, 1, "b", 1, [delivered(4)], { shards: 2 }), "counted");
    const isTold = async () => (await totals(system, 0)).shards === 2;
    await waitFor("shard 0 is told of shard 1", isTold);
    assert.equal(await scraped(), 4);
    assert.equal(await flush(system, 0, "c", 1, [delivered(2)], { shards: 1 }), "counted");
    assert.equal(await scraped(), 6);
  });
});

describe("a Meter that is down", () => {
  it("delays no answer, and is not asked by every request", async () => {
    const asked = [];
    let release;
    const released = new Promise((done) => (release = done));
    const TEST = async (request) => {
      asked.push(await request.text());
      await released;
      return new Response("down", { status: 500 });
    };
    const meter = standIn("held-meter", {
      name: "rolecall-durable",
      compatibilityDate: "2026-04-01",
      durableObjects: { METER: { className: "Meter", useSQLite: true } },
      serviceBindings: { TEST },
    });
    const bindings = { METER_INTERVAL_MS: "0" };
    const queueProducers = { EVENTS: { queueName: "sealed" } };
    const ingest = workerOf("ingest", { bindings, queueProducers });
    const system = await startDirect([meter, ingest, sinkOf([], "sealed")]);
    try {
      const door = await system.worker("rolecall-ingest");
      const send = async () => (await deliver(door, clerk.user(clerk.newId("user")), { id: newId() })).status;
      assert.equal(await send(), 202, "answered while Meter is not");
      await waitFor("a flush is open", () => asked.length === 1);
      const more = await Promise.all(Array.from({ length: 5 }, send));
      assert.deepEqual(more, [202, 202, 202, 202, 202]);
      assert.deepEqual(asked, ["1"], "one flush is open, and there is no second one");
      release();
      await waitFor("it is said", () => system.logs().includes("flush of metrics failed"));
      assert.equal(await send(), 202);
      await waitFor("the same flush is sent again", () => asked.length === 2);
      assert.deepEqual(asked, ["1", "1"]);
    } finally {
      release();
      await system.stop();
    }
  });
});

describe("the consumer", () => {
  it("loses at most a batch's counts when it is killed between commit and flush", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "rolecall-killed-"));
    const sealed = [];
    const database = controlledDatabase();
    const boot = () => {
      const wrappedBindings = { DB: "controlled-database" };
      const change = { queueConsumers: undefined, d1Databases: undefined, wrappedBindings };
      const queueProducers = { EVENTS: { queueName: "sealed" } };
      const workers = [
        workerOf("consumer", change), workerOf("durable"), workerOf("ingest", { queueProducers }),
        sinkOf(sealed, "sealed"), database.worker,
      ];
      return startDirect(workers, { folder });
    };
    let system = await boot();
    try {
      const message = async () => {
        const { id, status } = await deliver(
          await system.worker("rolecall-ingest"), clerk.user(clerk.newId("user")), { id: newId() },
        );
        assert.equal(status, 202);
        const isIt = (text) => JSON.parse(text).svix_id === id;
        return messageOf(await waitFor("it is sealed", () => sealed.find(isIt)), { id });
      };
      const batch = async (of) =>
        (await system.worker("rolecall-consumer")).queue("rolecall-events", [of]);
      const counted = async () => sumOf(await totals(system), "rolecall_d1_queries_total", "consumer");
      const committed = async () => (await system.sql("SELECT count(*) AS n FROM deliveries"))[0].n;

      await batch(await message());
      const first = await waitFor("the first batch is flushed", counted);
      const second = await message();
      let killed;
      const isKilled = new Promise((done) => (killed = done));
      database.gate = async (moment, texts) => {
        if (moment !== "after" || !texts.some((text) => text.includes("deliveries"))) return;
        killed();
        await new Promise(() => {});
      };
      void batch(second).catch(() => undefined);
      await isKilled;
      const stopping = system;
      system = undefined;
      await stopping.stop();
      database.gate = () => undefined;
      system = await boot();
      assert.equal(await committed(), 2, "the second batch was committed");
      assert.equal(await counted(), first, "its counts died with the isolate, and no others");
      await batch(await message());
      await waitFor("the third batch is flushed", async () => first < (await counted()));
      assert.equal(await committed(), 3);
    } finally {
      await system?.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
