// F-1: the consumer stops at each step while it closes replayed letters, or sweeps. Each letter ends
// once, in the batch of its effects, together with its entry of the audit trail.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { checkAllReached } from "./support/fault-points.mjs";
import { messageOf, startPipeline } from "./support/pipeline.mjs";

const isConsumers = (point) => /^(audit|batch|hints|sweep)-/.test(point);

const MINUTE = 60_000;

describe("F-1 replayed letters", () => {
  let pipeline;

  before(async () => {
    pipeline = await startPipeline();
    // The settings are written once per isolate, so that is done before a run.
    await pipeline.sweep();
  });
  after(() => pipeline?.stop());

  const one = async (text, ...args) => (await pipeline.sql(text, ...args))[0];
  const letterOf = (id) => one("SELECT * FROM dead_letters WHERE message_id = ?1", id);

  /** Parks a message, and marks its letter as a step of a replay does. Returns the tagged one. */
  async function replaying(event, { sentAt = Date.now(), stateAt = Date.now() } = {}) {
    const { id, body } = await pipeline.message(event);
    const replay = `replay_${randomBytes(6).toString("hex")}`;
    await pipeline.sql(
      `INSERT INTO dead_letters (message_id, queue, svix_id, reason, attempts, first_seen_at,
         last_seen_at, envelope, state, state_at, generation, replay_id, claim, sent_at)
       VALUES (?1, 'rolecall-events', ?1, 'overloaded', 3, 1, 1, ?2, 'replaying', ?3, 2, ?4, 'c', ?5)`,
      id, body, stateAt, replay, sentAt,
    );
    const tag = { letter: id, replay, generation: 2 };
    const message = messageOf(JSON.stringify({ ...JSON.parse(body), replay: tag }));
    return { id, replay, message };
  }

  /** A letter that can be applied, and one that no build can read. */
  async function batch() {
    const user = clerk.newId("user");
    const good = await replaying(clerk.withRole(user, "admin"));
    const bad = await replaying(clerk.user(clerk.newId("user")));
    bad.message.body = JSON.stringify({ v: 1, replay: JSON.parse(bad.message.body).replay });
    return { user, good, bad };
  }

  /** The details of the entries that name a replay. */
  async function entriesOf({ replay }) {
    const text = "SELECT action, actor, detail FROM audit WHERE instr(detail, ?1) ORDER BY seq";
    const rows = await pipeline.sql(text, replay);
    return rows.map(({ detail, ...row }) => ({ ...row, ...JSON.parse(detail) }));
  }

  /** Both letters have moved, with one entry. */
  async function checkMoved({ user, good, bad }) {
    assert.deepEqual(await pipeline.rolesOf(user), ["admin", "member"]);
    const { state, generation } = await letterOf(good.id);
    assert.deepEqual([state, generation], ["applied", 2]);
    const again = await letterOf(bad.id);
    assert.deepEqual(
      [again.state, again.generation, again.reason, again.attempts > 3],
      ["parked", 3, "malformed", true],
    );
    const entries = await entriesOf(good);
    assert.deepEqual(entries, await entriesOf(bad));
    const replays = [good.replay, bad.replay].sort();
    const [actor, action] = ["system:consumer", "letters.settled"];
    assert.deepEqual(entries, [{ action, actor, settled: 1, parked: 1, replays }]);
  }

  const isMoved = async ({ good }) => (await letterOf(good.id)).state !== "replaying";

  it("F-1 a stop at any step closes them once", async (t) => {
    const first = await batch();
    const messages = ({ good, bad }) => [good.message, bad.message];
    const work = () => pipeline.dispatch(messages(first));
    const course = await pipeline.faultPoints.recordPoints(work, isConsumers);
    checkAllReached(course, [
      "batch-opened", "batch-planned", "audit-read", "batch-committed", "batch-decided",
      "batch-settling", "batch-settled",
    ]);
    await checkMoved(first);
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const all = await batch();
        pipeline.faultPoints.crashAtNth(n, isConsumers);
        const { isAlive } = await pipeline.dispatch(messages(all));
        assert.ok(!isAlive);
        pipeline.faultPoints.release();
        if (await isMoved(all)) await checkMoved(all);
        else assert.deepEqual(await entriesOf(all.good), []);
        const again = messages(all).map((it) => ({ ...it, attempts: 2 }));
        assert.equal((await pipeline.dispatch(again)).acked.length, 2);
        await checkMoved(all);
        const count = "SELECT count(*) AS n FROM dead_letters WHERE message_id IN (?1, ?2)";
        assert.deepEqual(await one(count, ...again.map(({ id }) => id)), { n: 0 }, "no new letters");
      });
    }
  });

  it("F-1 another entry in between is taken in, and no message is to blame", async () => {
    const all = await batch();
    const isRead = (point) => point === "audit-read";
    const pause = pipeline.faultPoints.pauseAll(isRead);
    const done = pipeline.dispatch([all.good.message, all.bad.message]);
    await pause.reached(1);
    const { seq, hash } = await one("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    await pipeline.sql(
      "INSERT INTO audit (id, at, actor, action, seq, prev, hash) VALUES (?1, 1, 'token:1', 'x', ?2, ?3, 'y')",
      `${seq + 1}`, seq + 1, hash,
    );
    pause.open();
    assert.equal((await done).acked.length, 2);
    pipeline.faultPoints.release();
    await checkMoved(all);
    const last = await one("SELECT seq, prev FROM audit ORDER BY seq DESC LIMIT 1");
    assert.deepEqual(last, { seq: seq + 2, prev: "y" });
  });

  /** A letter whose message is lost, one whose message is on its way, and a grant at its end. */
  async function owed() {
    const event = () => clerk.user(clerk.newId("user"));
    const ago = Date.now() - 6 * MINUTE;
    const lost = await replaying(event(), { sentAt: null, stateAt: ago });
    const late = await replaying(event(), { sentAt: Date.now() - 1441 * MINUTE, stateAt: ago });
    const sent = await replaying(event(), { sentAt: ago, stateAt: ago });
    const user = await pipeline.watched();
    await pipeline.sql("INSERT INTO roles (name) VALUES ('guest') ON CONFLICT DO NOTHING");
    await pipeline.sql(
      `INSERT INTO role_grants (user_id, role_id, granted, at, id, ends_at)
       SELECT ?1, id, 1, 1, 'g', ?2 FROM roles WHERE name = 'guest'`,
      user, Date.now() - 1,
    );
    return { lost, late, sent, user };
  }

  async function checkSwept({ lost, late, sent, user }) {
    for (const { id } of [lost, late]) {
      const { state, generation, returns, sent_at } = await letterOf(id);
      assert.deepEqual([state, generation, returns, sent_at], ["parked", 3, 1, null]);
    }
    assert.equal((await letterOf(sent.id)).state, "replaying");
    const [entry, ...more] = await entriesOf(lost);
    assert.deepEqual([entry.action, entry.actor, more], ["letters.returned", "system:sweep", []]);
    assert.deepEqual(await pipeline.rolesOf(user), ["member"]);
    const ended = await pipeline.sql("SELECT action, detail FROM audit WHERE target = ?1", user);
    assert.deepEqual(ended.map(({ action }) => action), ["roles.ended"]);
    assert.equal(JSON.parse(ended[0].detail).role, "guest");
  }

  it("F-1 a sweep that stops at any step is finished by the next one", async (t) => {
    const first = await owed();
    const work = () => pipeline.sweep();
    const course = await pipeline.faultPoints.recordPoints(work, isConsumers);
    checkAllReached(course, [
      "sweep-begun", "sweep-read", "hints-begun", "hints-sent", "hints-recorded", "sweep-sent",
      "audit-read", "sweep-returned", "sweep-ended", "sweep-replayed", "sweep-started",
      "sweep-noted",
    ]);
    assert.equal(course.filter((point) => point === "audit-read").length, 2);
    await checkSwept(first);
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const all = await owed();
        const crash = pipeline.faultPoints.crashAtNth(n, isConsumers);
        assert.deepEqual([await pipeline.sweep(), crash.isDone()], [false, true]);
        pipeline.faultPoints.release();
        assert.ok(await pipeline.sweep());
        await checkSwept(all);
        // The end of the grant was noticed by its role cache at the latest with the sweep after it.
        assert.ok(await pipeline.sweep());
        await pipeline.checkAgreement(all.user);
      });
    }
  });

  it("F-1 a late message of a returned letter tells the truth", async () => {
    const user = clerk.newId("user");
    const ago = Date.now() - 6 * MINUTE;
    const lost = await replaying(clerk.withRole(user, "admin"), { sentAt: null, stateAt: ago });
    assert.ok(await pipeline.sweep());
    assert.equal((await letterOf(lost.id)).state, "parked");
    await pipeline.dispatch([lost.message]);
    assert.equal((await letterOf(lost.id)).state, "applied");
    assert.deepEqual(await pipeline.rolesOf(user), ["admin", "member"]);
  });

  it("F-1 a step of the sweep that fails does not stop the others", async () => {
    const beat = async () => {
      const { at, detail } = await one("SELECT at, detail FROM heartbeats WHERE name = 'sweep'");
      return { at, ...JSON.parse(detail) };
    };
    const all = await owed();
    const began = Date.now();
    await pipeline.sql("ALTER TABLE dead_letters RENAME TO away");
    try {
      assert.ok(await pipeline.sweep());
    } finally {
      await pipeline.sql("ALTER TABLE away RENAME TO dead_letters");
    }
    const { at, ...did } = await beat();
    assert.ok(began <= at && at <= Date.now());
    assert.deepEqual([did.returned, did.ended, typeof did.hints], [null, 1, "number"]);
    assert.equal((await letterOf(all.lost.id)).state, "replaying");
    assert.ok(await pipeline.sweep());
    await checkSwept(all);
    assert.deepEqual([(await beat()).returned, (await beat()).ended], [2, 0]);
  });
});
