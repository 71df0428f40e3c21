// What the consumer counts: each value is caused by a batch or a sweep, and read back out of Meter,
// the scrape and the console's charts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { METRICS_TOKEN, TOKEN, ask, settingsOf } from "./support/console.mjs";
import { deliver, newId } from "./support/delivery.mjs";
import {
  controlledDatabase, controlledRoleCaches, sinkOf, standIn, startDirect, workerOf,
} from "./support/direct.mjs";
import { EVENTS, messageOf } from "./support/pipeline.mjs";
import { bearer } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const DEAD = "rolecall-dead";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The total over both queues after which a message is dropped, and more. */
const LAST = 200;

const sum = (numbers) => numbers.reduce((all, it) => all + it, 0);

describe("what the consumer counts", () => {
  const database = controlledDatabase();
  const roleCaches = controlledRoleCaches();
  const sealed = [];
  let system, consumer, ingest;

  before(async () => {
    const METER = { className: "Meter", scriptName: "rolecall-durable" };
    system = await startDirect(
      [
        workerOf("consumer", {
          queueConsumers: undefined,
          d1Databases: undefined,
          durableObjects: { METER },
          wrappedBindings: {
            DB: "controlled-database", ROLES: "controlled-role-caches", ANALYTICS: "data-set",
          },
        }),
        workerOf("durable"),
        workerOf("console", { bindings: settingsOf("https://team.example.com") }),
        workerOf("ingest", {
          durableObjects: {}, queueProducers: { EVENTS: { queueName: "sealed" } },
        }),
        sinkOf(sealed, "sealed"),
        database.worker,
        roleCaches.worker,
        standIn("analytics", { name: "data-set" }),
      ],
      { caches: { ROLES: "rolecall-durable" } },
    );
    consumer = await system.worker("rolecall-consumer");
    ingest = await system.worker("rolecall-ingest");
    // Counts the first sweep and the default role, which are none of a test's.
    await sweep();
  });
  after(() => system?.stop());

  async function sweep() {
    const { outcome } = await consumer.scheduled({ cron: "* * * * *" });
    assert.equal(outcome, "ok");
  }

  /** The queue's message for an event. */
  async function message(event, how = {}) {
    const { id, status } = await deliver(ingest, event, { id: newId() });
    assert.equal(status, 202);
    const isIt = (text) => JSON.parse(text).svix_id === id;
    return messageOf(await waitFor("it is sealed", () => sealed.find(isIt)), { id, ...how });
  }

  const dispatch = async (messages, queue = EVENTS) => {
    const { outcome } = await consumer.queue(queue, messages);
    assert.equal(outcome, "ok");
  };

  /** A copy of a message, as the queue delivers it after a crash. */
  const again = (it) => ({ ...it, attempts: it.attempts + 1 });

  /**
   * What Meter knows of the consumer's metrics: a count, or the number of observations. What D1
   * knows too is in the history alone, events by outcome.
   */
  async function totals() {
    const since = Math.floor(Date.now() / MINUTE_MS - 30) * MINUTE_MS;
    const history = `history?since=${since}&slot_ms=${HOUR_MS}&points=1`;
    const [shown, { slots: [past] }] = await Promise.all(["totals", history].map(async (what) => {
      const { status, body } = await system.meter(0, what);
      assert.equal(status, 200, body);
      return JSON.parse(body);
    }));
    const isCharted = ({ metric }) => /_(messages|events)_total$/.test(metric);
    assert.ok(!shown.values.some(isCharted), "a scrape has D1's number alone");
    const of = ({ metric, labels = [], value, buckets }) =>
      [[metric.replace("rolecall_", ""), ...labels].join(" "), buckets ? sum(buckets) : value];
    return new Map([...shown.values, ...past.values.filter(isCharted)].map(of));
  }

  /** What Meter counted during `act`, of these metrics. `expected` are all that grew. */
  async function counts(metrics, act, expected) {
    const before = await totals();
    await act();
    await waitFor("Meter has all, and no more", async () => {
      const grown = [...(await totals())]
        .filter(([series]) => metrics.includes(series.split(" ")[0]))
        .map(([series, value]) => [series, value - (before.get(series) ?? 0)])
        .filter(([, value]) => value !== 0);
      assert.deepEqual(Object.fromEntries(grown), expected);
      return true;
    });
  }

  /** The last point of Analytics Engine: the longest time of each stage. */
  const lastPoint = () => {
    const lines = system.logs().split("\n").filter((line) => line.startsWith("analytics: "));
    return JSON.parse(lines.at(-1).replace("analytics: ", "")).doubles.slice(8);
  };

  const MESSAGES = [
    "messages_total", "events_total", "message_actions_total", "message_attempts", "stage_seconds",
  ];

  it("messages by their outcome, and stages of those that got it", async () => {
    const user = await message(clerk.user(clerk.newId("user")));
    await counts(MESSAGES, () => dispatch([user, again(user), messageOf("junk")]), {
      "messages_total": 3,
      "events_total applied": 1,
      "events_total repeated": 1,
      "events_total parked": 1,
      "message_actions_total events acked": 3,
      "message_attempts events": 3,
      "stage_seconds clerk_to_door": 1,
      "stage_seconds door_to_applied": 1,
      "stage_seconds clerk_to_applied": 1,
    });
  });

  it("a late event as late once, and its copies not at all", async () => {
    const at = Date.now() - HOUR_MS;
    const late = await message(clerk.user(clerk.newId("user"), {}, { at }));
    await counts(["stage_seconds"], () => dispatch([late]), {
      "stage_seconds clerk_to_door": 1,
      "stage_seconds door_to_applied": 1,
      "stage_seconds clerk_to_applied": 1,
    });
    assert.ok(HOUR_MS <= lastPoint()[2], "the point has the hour");
    await counts(MESSAGES, () => dispatch([again(late)]), {
      "messages_total": 1,
      "events_total repeated": 1,
      "message_actions_total events acked": 1,
      "message_attempts events": 1,
    });
    await waitFor("a point without times", () => {
      assert.deepEqual(lastPoint(), [0, 0, 0, 0]);
      return true;
    });
  });

  it("failed batches by D1's error, and what the queue was told", async () => {
    const causes = [
      "D1_ERROR: Network connection lost.",
      "D1 DB is overloaded. Requests queued for too long.",
      "D1_ERROR: UNIQUE constraint failed: users.id",
    ];
    const failing = async (cause, act, times = 1) => {
      let left = times;
      database.gate = (moment, texts) => {
        const isBatch = texts.some((text) => text.includes("INTO deliveries"));
        if (moment !== "before" || !isBatch || left === 0) return undefined;
        left -= 1;
        return cause;
      };
      await act();
      database.gate = () => undefined;
    };
    const event = () => message(clerk.user(clerk.newId("user")));
    const [first, second, third, dead] = await Promise.all([event(), event(), event(), event()]);
    const metrics = ["batch_failures_total", "message_actions_total", "message_attempts"];
    const act = async () => {
      await failing(causes[0], () => dispatch([first]));
      await failing(causes[1], () => dispatch([second]));
      await failing(causes[2], () => dispatch([third]));
      // The message, and its letter.
      await failing(causes[0], () => dispatch([{ ...dead, attempts: LAST }], DEAD), 2);
      await dispatch([dead], "unheard-of");
    };
    await counts(metrics, act, {
      "batch_failures_total transient": 3,
      "batch_failures_total overloaded": 1,
      "batch_failures_total rejected": 1,
      "message_actions_total events retried": 2,
      "message_actions_total events acked": 1,
      "message_actions_total dead dropped": 1,
      "message_actions_total other retried": 1,
      "message_attempts events": 1,
      "message_attempts dead": 1,
    });
  });

  it("hints by answer; the time until one is acknowledged, but not by a sweep", async () => {
    const answers = ["acked", "gone", "refused", "failed"];
    const users = Object.fromEntries(answers.map((answer) => [clerk.newId("user"), answer]));
    const batch = [];
    const stages = {
      "stage_seconds clerk_to_door": 4,
      "stage_seconds door_to_applied": 4,
      "stage_seconds clerk_to_applied": 4,
    };
    // Batches within a second share a flush: this waits until it has come.
    await counts(["stage_seconds"], async () => {
      for (const user of Object.keys(users)) await dispatch([await message(clerk.user(user))]);
    }, stages);
    for (const user of Object.keys(users)) {
      assert.equal((await system.tell("ROLES", user, "ask", {})).status, 200);
      batch.push(await message(clerk.withRole(user, "admin")));
    }
    roleCaches.trouble = ({ name, path }) => {
      const answer = path === "/hint" ? users[name] : "acked";
      if (answer === "failed") return { message: "the object is lost" };
      return answer === "acked" ? undefined : { answer };
    };
    await counts(["hints_total", "stage_seconds"], () => dispatch(batch), {
      "hints_total acked": 1,
      "hints_total gone": 1,
      "hints_total refused": 1,
      "hints_total failed": 1,
      ...stages,
      "stage_seconds applied_to_visible": 1,
    });
    roleCaches.trouble = () => undefined;
    await counts(["hints_total", "stage_seconds"], sweep, { "hints_total acked": 2 });
  });

  it("steps of a sweep, and statements, not batches, of D1", async () => {
    const steps = ["default_role", "hints", "returned", "ended", "replayed", "started"];
    const ok = Object.fromEntries(steps.map((step) => [`sweep_steps_total ${step} ok`, 1]));
    await counts(["sweep_steps_total"], sweep, { ...ok, "sweep_steps_total heartbeat ok": 1 });
    const sent = { before: 0, failed: 0 };
    database.gate = (moment, texts) => {
      if (moment !== "before") return undefined;
      const isFailing = texts.some((text) => text.includes("INTO heartbeats"));
      sent[isFailing ? "failed" : "before"] += texts.length;
      return isFailing ? "D1_ERROR: Network connection lost." : undefined;
    };
    const before = await totals();
    await counts(["sweep_steps_total"], sweep, { ...ok, "sweep_steps_total heartbeat failed": 1 });
    database.gate = () => undefined;
    const now = await totals();
    const queries = (result) => {
      const series = `d1_queries_total consumer ${result}`;
      return now.get(series) - (before.get(series) ?? 0);
    };
    assert.deepEqual([queries("ok"), queries("failed")], [sent.before, sent.failed]);
  });

  it("messages for the console's charts, beside D1's number in a scrape", async () => {
    const url = await system.url("rolecall-console");
    const text = "SELECT metric, labels, total FROM totals";
    const rows = await system.sql(text);
    const exact = (isIt) => sum(rows.filter(isIt).map(({ total }) => total));
    const messages = exact(({ metric }) => metric === "rolecall_messages_total");
    const parked = exact(({ metric, labels }) =>
      metric === "rolecall_events_total" && labels.endsWith(",parked"));
    assert.ok(0 < parked && parked < messages);

    const { text: overview } = await ask(url, "/api/v1/overview", { headers: bearer(TOKEN) });
    const { slots } = JSON.parse(overview).activity;
    const charted = [sum(slots.map((it) => it.messages)), sum(slots.map((it) => it.parked))];
    assert.deepEqual(charted, [messages, parked], "no isolate was lost");

    const page = await ask(url, "/metrics", { headers: bearer(METRICS_TOKEN) });
    assert.equal(page.status, 200);
    const scraped = page.text.match(/^rolecall_messages_total (\d+)$/m);
    assert.equal(Number(scraped[1]), messages, "D1's number alone");
  });
});
