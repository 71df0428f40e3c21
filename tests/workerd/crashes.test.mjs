// F-1: the consumer crashes at each of its steps. Accepted events are not lost, the rows are as
// defined, and after one sweep every role cache agrees with them.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { FaultPoints, checkAllReached } from "./support/fault-points.mjs";
import { messageOf, startPipeline } from "./support/pipeline.mjs";
import { rejectUserSql } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const DEAD = "rolecall-dead";

/** Every step of a batch and of the sweep that has a fault point. */
const BATCH = [
  "batch-opened", "batch-planned", "batch-refused", "batch-committed", "batch-decided",
  "batch-settling", "batch-settled", "hints-begun", "hints-sent", "hints-recorded",
];
const SWEEP = [
  "sweep-begun", "sweep-read", "hints-begun", "hints-sent", "hints-recorded", "sweep-sent",
  "sweep-returned", "sweep-ended", "sweep-replayed", "sweep-started", "sweep-noted",
];

/** The consumer's own points. Role caches reach theirs at any time after a hint. */
const isConsumers = (point) => /^(batch|hints|sweep)-/.test(point);

describe("F-1 a crash of the consumer", () => {
  let pipeline;

  before(async () => {
    pipeline = await startPipeline();
    // The settings are written once per isolate, so that is done before a run.
    await pipeline.sweep();
  });
  after(() => pipeline?.stop());

  /** Three valid messages, one that D1 rejects (F-7), and one that ingest did not send. */
  async function batch() {
    const [promoted, banned] = [await pipeline.watched(), await pipeline.watched()];
    const [unwatched, poison] = [clerk.newId("user"), clerk.newId("user")];
    await pipeline.sql(rejectUserSql(poison));
    const ban = clerk.user(banned, { banned: true }, { verb: "updated" });
    const messages = [
      await pipeline.message(clerk.withRole(promoted, "admin")),
      await pipeline.message(clerk.user(poison)),
      await pipeline.message(ban),
      messageOf("junk"),
      await pipeline.message(clerk.user(unwatched)),
    ];
    return { messages, watched: [promoted, banned], unwatched, poison };
  }

  /** Returns where each message is: its outcome, "parked", or nothing. */
  async function whereabouts(messages) {
    const delivery = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    const letter = "SELECT 'parked' AS outcome FROM dead_letters WHERE message_id = ?1";
    const of = async (text, { id }) => (await pipeline.sql(text, id))[0]?.outcome;
    return Promise.all(
      messages.map(async (it) => (await of(delivery, it)) ?? (await of(letter, it))),
    );
  }

  /** Returns everything that a batch wrote, without counters of repetitions. */
  async function rows({ messages, watched, unwatched }) {
    const of = (text, ids) => pipeline.sql(`${text} IN (SELECT value FROM json_each(?1))`, ids);
    const [ids, users] = [messages.map(({ id }) => id), [...watched, unwatched]];
    const all = [
      await of("SELECT * FROM users WHERE id", JSON.stringify(users)),
      await of("SELECT * FROM watches WHERE user_id", JSON.stringify(users)),
      await of("SELECT * FROM deliveries WHERE svix_id", JSON.stringify(ids)),
      await of("SELECT * FROM dead_letters WHERE message_id", JSON.stringify(ids)),
    ];
    const counters = new Set(["copies", "attempts", "last_seen_at"]);
    const kept = (row) => Object.entries(row).filter(([name]) => !counters.has(name));
    return all.map((table) => table.map((row) => Object.fromEntries(kept(row))));
  }

  it("F-1 F-7 F-8 at each step of a batch loses nothing and repeats nothing", async (t) => {
    const first = await batch();
    const work = () => pipeline.dispatch(first.messages);
    const course = await pipeline.faultPoints.recordPoints(work, isConsumers);
    checkAllReached(course, BATCH);
    await pipeline.sql("DROP TRIGGER test_poison");
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const all = await batch();
        const { messages } = all;
        const crash = pipeline.faultPoints.crashAtNth(n, isConsumers);
        const { isAlive, acked } = await pipeline.dispatch(messages);
        assert.deepEqual([isAlive, crash.isDone()], [false, true]);
        // I8: an acknowledged message has its row at this instant.
        const there = await whereabouts(messages);
        for (const [i, { id }] of messages.entries()) {
          assert.ok(there[i] || !acked.includes(id), `${id} is acknowledged and nowhere`);
        }
        // After the next sweep the caches have everything that was committed, redelivered or not.
        pipeline.faultPoints.release();
        assert.ok(await pipeline.sweep());
        for (const user of all.watched) await pipeline.checkAgreement(user);

        const again = messages.map((it) => ({ ...it, attempts: 2 }));
        const second = await pipeline.dispatch(again);
        assert.deepEqual([second.isAlive, second.acked.length], [true, messages.length]);
        const settled = ["applied", "parked", "applied", "parked", "applied"];
        assert.deepEqual(await whereabouts(messages), settled);
        assert.deepEqual(await pipeline.rolesOf(all.watched[0]), ["admin", "member"]);
        assert.deepEqual(await pipeline.rolesOf(all.watched[1]), []);
        assert.ok(await pipeline.sweep());
        for (const user of all.watched) await pipeline.checkAgreement(user);
        // I9: another delivery changes nothing.
        const before = await rows(all);
        await pipeline.dispatch(messages.toReversed().map((it) => ({ ...it, attempts: 3 })));
        assert.deepEqual(await rows(all), before);
        await pipeline.sql("DROP TRIGGER test_poison");
      });
    }
  });

  it("F-1 C-5 at each step of a sweep is repaired by the next sweep", async (t) => {
    const owed = async () => {
      const users = [await pipeline.watched(), await pipeline.watched()];
      for (const user of users) await pipeline.write(user, ["admin"]);
      return users;
    };
    await owed();
    const course = await pipeline.faultPoints.recordPoints(() => pipeline.sweep(), isConsumers);
    checkAllReached(course, SWEEP);
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const users = await owed();
        const crash = pipeline.faultPoints.crashAtNth(n, isConsumers);
        assert.deepEqual([await pipeline.sweep(), crash.isDone()], [false, true]);
        pipeline.faultPoints.release();
        assert.ok(await pipeline.sweep());
        for (const user of users) await pipeline.checkAgreement(user);
      });
    }
  });

  it("F-1 at each step of a dead-letter batch loses nothing", async (t) => {
    const dead = async () => [
      await pipeline.message(clerk.user(clerk.newId("user"))), messageOf("junk"),
    ];
    const some = await dead();
    const work = () => pipeline.dispatch(some, DEAD);
    const course = await pipeline.faultPoints.recordPoints(work, isConsumers);
    checkAllReached(course, [
      "batch-opened", "batch-planned", "batch-committed", "batch-decided", "batch-settling",
      "batch-settled",
    ]);
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const messages = await dead();
        pipeline.faultPoints.crashAtNth(n, isConsumers);
        const { isAlive, acked } = await pipeline.dispatch(messages, DEAD);
        assert.ok(!isAlive);
        const settled = ["applied", "parked"];
        if (0 < acked.length) assert.deepEqual(await whereabouts(messages), settled);
        pipeline.faultPoints.release();
        assert.equal((await pipeline.dispatch(messages, DEAD)).acked.length, messages.length);
        assert.deepEqual(await whereabouts(messages), settled);
      });
    }
  });
});

describe("F-1 a crash with a real queue", () => {
  const faultPoints = new FaultPoints();
  let system;

  before(async () => {
    system = await startDirect([
      faultPoints.worker("consumer"), workerOf("durable"), workerOf("ingest"),
    ]);
  });
  after(() => system?.stop());

  it("F-1 is repaired by the queue: everything is delivered again and applied once", async () => {
    const ingest = await system.worker("rolecall-ingest");
    const deadly = ["batch-planned", "batch-committed", "batch-settling"];
    const ids = [];
    for (const point of deadly) {
      const crash = faultPoints.crashAt((at) => at === point);
      const events = Array.from({ length: 10 }, () => clerk.withRole(clerk.newId("user"), "admin"));
      const answers = await Promise.all(events.map((event) => deliver(ingest, event)));
      for (const { id, status } of answers) {
        assert.equal(status, 202);
        ids.push(id);
      }
      await crash.crashed();
    }
    faultPoints.release();
    const text = `SELECT outcome FROM deliveries
      WHERE svix_id IN (SELECT value FROM json_each(?1))`;
    const rows = () => system.sql(text, JSON.stringify(ids));
    await waitFor("all are settled", async () => (await rows()).length === ids.length);
    for (const { outcome } of await rows()) assert.equal(outcome, "applied");
    assert.deepEqual(await system.sql("SELECT * FROM dead_letters"), []);
  });
});
