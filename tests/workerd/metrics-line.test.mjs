// What the consumer counts. The exact counters in D1 agree with the deliveries at every moment,
// after crashes, copies and refused batches too. Analytics Engine gets one point for each batch.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import wrangler from "wrangler";

import * as clerk from "./support/clerk.mjs";
import { deliver, newId } from "./support/delivery.mjs";
import { standIn, startDirect, workerOf } from "./support/direct.mjs";
import { FaultPoints } from "./support/fault-points.mjs";
import { EVENTS, messageOf, startPipeline } from "./support/pipeline.mjs";
import { ROOT, rejectUserSql } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

/** Returns the exact counters by their series, `rolecall_events_total user.created,applied`. */
async function totalsOf(sql) {
  const rows = await sql("SELECT metric, labels, total FROM totals");
  return new Map(rows.map(({ metric, labels, total }) => [`${metric} ${labels}`.trim(), total]));
}

/** Returns the total of all series that `isIt` accepts. */
function sum(totals, isIt) {
  const values = [...totals].filter(([series]) => isIt(series)).map(([, total]) => total);
  return values.reduce((all, total) => all + total, 0);
}

/** Checks all sums against the rows. No message may be one without a delivery, see `unopened`. */
async function checkSums(sql, { unopened = 0 } = {}) {
  const totals = await totalsOf(sql);
  const isEvent = (series) => series.startsWith("rolecall_events_total ");
  const [{ copies, repeated }] = await sql(
    `SELECT coalesce(sum(copies), 0) AS copies, coalesce(sum(copies - 1), 0) AS repeated
     FROM deliveries`,
  );
  const messages = totals.get("rolecall_messages_total") ?? 0;
  assert.equal(sum(totals, isEvent), messages, "each message has one outcome");
  assert.equal(messages, copies + unopened, "each message that was committed is counted");
  const by = await sql("SELECT type, outcome, count(*) AS n FROM deliveries GROUP BY 1, 2");
  for (const { type, outcome, n } of by) {
    const counted = totals.get(`rolecall_events_total ${type},${outcome}`);
    assert.equal(counted, n, `${type} ${outcome}`);
  }
  const copied = sum(totals, (series) => isEvent(series) && series.endsWith(",repeated"));
  assert.equal(copied, repeated, "the rest are copies");
  return totals;
}

describe("exact counters with a real queue", () => {
  const faultPoints = new FaultPoints();
  let system;

  before(async () => {
    system = await startDirect([
      faultPoints.worker("consumer"), workerOf("durable"), workerOf("ingest"),
    ]);
  });
  after(() => system?.stop());

  it("F-1 agree with the deliveries, and so they do after crashes and copies", async () => {
    const ingest = await system.worker("rolecall-ingest");
    const send = async (events, ids = events.map(() => newId())) => {
      const answers = events.map((event, i) => deliver(ingest, event, { id: ids[i] }));
      for (const { status } of await Promise.all(answers)) assert.equal(status, 202);
      return ids;
    };
    const copies = async () =>
      (await system.sql("SELECT coalesce(sum(copies), 0) AS n FROM deliveries"))[0].n;
    const all = Array.from({ length: 30 }, () => clerk.user(clerk.newId("user")));
    const ids = await send(all);
    await waitFor("all are committed", async () => (await copies()) === 30);
    const first = await checkSums(system.sql);
    assert.equal(first.get("rolecall_events_total user.created,applied"), 30);

    await send(all.slice(0, 10), ids.slice(0, 10));
    await waitFor("the copies are committed", async () => (await copies()) === 40);
    const second = await checkSums(system.sql);
    assert.equal(second.get("rolecall_events_total user.created,repeated"), 10);

    for (const point of ["batch-planned", "batch-committed", "batch-settling"]) {
      const crash = faultPoints.crashAt((at) => at === point);
      const more = await send([clerk.withRole(clerk.newId("user"), "admin")]);
      await crash.crashed();
      faultPoints.release();
      const text = "SELECT copies FROM deliveries WHERE svix_id = ?1";
      const wanted = point === "batch-planned" ? 1 : 2;
      const isThere = async () => (await system.sql(text, more[0]))[0]?.copies === wanted;
      await waitFor(`it is delivered again after ${point}`, isThere);
      await checkSums(system.sql);
    }
    const third = await totalsOf(system.sql);
    assert.ok(3 <= third.get("rolecall_retried_messages_total"));
    assert.ok(first.get("rolecall_batches_total") < third.get("rolecall_batches_total"));
  });
});

describe("exact counters of batches that are dispatched by hand", () => {
  let pipeline;

  before(async () => {
    pipeline = await startPipeline();
    await pipeline.sweep();
  });
  after(() => pipeline?.stop());

  it("F-7 count a refused batch only when its parts are committed", async () => {
    const poison = clerk.newId("user");
    await pipeline.sql(rejectUserSql(poison));
    const users = Array.from({ length: 6 }, () => clerk.user(clerk.newId("user")));
    const events = [...users, clerk.user(poison)];
    const messages = await Promise.all(events.map((event) => pipeline.message(event)));
    const { acked } = await pipeline.dispatch([...messages, messageOf("junk")]);
    assert.equal(acked.length, 8);
    await pipeline.sql("DROP TRIGGER test_poison");
    const totals = await checkSums(pipeline.sql, { unopened: 1 });
    const of = (series) => totals.get(`rolecall_${series}`);
    assert.equal(of("messages_total"), 8);
    assert.ok(2 <= of("batches_total"), "it was halved");
    assert.equal(of("parked_total refused-by-database"), 1);
    assert.equal(of("parked_total malformed"), 1);
    assert.equal(of("events_total other,parked"), 1);
    assert.equal(of("retried_messages_total"), undefined);
  });

  it("F-1 agree after a crash at each step of a batch", async () => {
    const isConsumers = (point) => /^(batch|hints)-/.test(point);
    const batch = () =>
      Promise.all([1, 2, 3].map(() => pipeline.message(clerk.user(clerk.newId("user")))));
    const first = await batch();
    const course = await pipeline.faultPoints.recordPoints(
      () => pipeline.dispatch(first),
      isConsumers,
    );
    assert.ok(course.includes("batch-committed"));
    for (const [n, point] of course.entries()) {
      const messages = await batch();
      const crash = pipeline.faultPoints.crashAtNth(n, isConsumers);
      const { isAlive } = await pipeline.dispatch(messages);
      assert.deepEqual([isAlive, crash.isDone()], [false, true], point);
      pipeline.faultPoints.release();
      await checkSums(pipeline.sql, { unopened: 1 });
      const again = messages.map((it) => ({ ...it, attempts: 2 }));
      assert.equal((await pipeline.dispatch(again)).acked.length, 3, point);
      await checkSums(pipeline.sql, { unopened: 1 });
    }
  });
});

describe("Analytics Engine", () => {
  const NAMES = { none: undefined, kept: "data-set", closed: "closed-data-set" };
  const systems = {};

  before(async () => {
    for (const [name, dataSet] of Object.entries(NAMES)) {
      const wrappedBindings = dataSet ? { ANALYTICS: dataSet } : {};
      const bindings = name === "closed" ? { FAILS: true } : {};
      systems[name] = await startDirect([
        workerOf("consumer", { queueConsumers: undefined, wrappedBindings }),
        workerOf("durable"),
        // Workerd complains of one that is bound nowhere.
        ...(dataSet ? [standIn("analytics", { name: dataSet, bindings })] : []),
      ]);
    }
  });
  after(() => Promise.all(Object.values(systems).map((system) => system.stop())));

  const pointsOf = ({ logs }) => {
    const lines = logs().split("\n").filter((line) => line.startsWith("analytics: "));
    return lines.map((line) => JSON.parse(line.replace("analytics: ", "")));
  };

  /** Dispatches two messages that the consumer parks, and returns the number of acknowledgements. */
  async function dispatch(system, queue = EVENTS) {
    const consumer = await system.worker("rolecall-consumer");
    const { outcome, explicitAcks } = await consumer.queue(queue, [messageOf("a"), messageOf("b")]);
    assert.equal(outcome, "ok");
    return explicitAcks.length;
  }

  it("gets one point of numbers for each batch", async () => {
    const { kept } = systems;
    assert.equal(await dispatch(kept), 2);
    assert.equal(await dispatch(kept, "rolecall-dead"), 2);
    const points = () => pointsOf(kept);
    await waitFor("the points are written", () => 2 <= points().length);
    const doubles = [2, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    const point = (queue) => ({ indexes: [queue], doubles, blobs: [queue] });
    assert.deepEqual(points(), [point("events"), point("dead")]);
  });

  it("gets one point for a batch that D1 refused and that was halved", async () => {
    const { kept } = systems;
    const known = pointsOf(kept).length;
    await kept.sql(
      `CREATE TRIGGER test_full BEFORE INSERT ON dead_letters WHEN NEW.envelope = 'b'
       BEGIN SELECT RAISE(ABORT, 'constraint failed'); END`,
    );
    assert.equal(await dispatch(kept), 1);
    await kept.sql("DROP TRIGGER test_full");
    await waitFor("the point is written", () => known < pointsOf(kept).length);
    const points = pointsOf(kept).slice(known).map(({ doubles }) => doubles);
    assert.deepEqual(points, [[2, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0]]);
  });

  it("gets none without the binding, and its errors fail no batch", async () => {
    assert.equal(await dispatch(systems.none), 2);
    assert.equal(await dispatch(systems.closed), 2);
    await waitFor("the write fails", () => /the data set is closed/.test(systems.closed.logs()));
    assert.deepEqual(pointsOf(systems.none), []);
    assert.equal(pointsOf(systems.closed).length, 1);
  });

  it("is bound by the lines of wrangler.toml, without their comment signs", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "rolecall-"));
    try {
      const text = readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
      const block = /^# (\[\[env\.consumer\.analytics.+)\n# (.+)\n# (.+)\n/m;
      assert.match(text, block);
      const file = path.join(folder, "wrangler.toml");
      writeFileSync(file, text.replace(block, "$1\n$2\n$3\n"));
      const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(file, "consumer");
      assert.deepEqual(workerOptions.analyticsEngineDatasets, { ANALYTICS: { dataset: "rolecall" } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
