// F-1: the console and the consumer are killed at each of their steps while letters of every class
// are replayed. And while a new version of one of them is deployed.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import { checkAllReached } from "./support/fault-points.mjs";
import { startNight } from "./support/night.mjs";

const [CONSOLE, CONSUMER] = ["rolecall-console", "rolecall-consumer"];

/** Every step of a replay that can be stopped, with the Worker that does it. */
const STEPS = [
  ...["replay-marked", "replay-enqueued", "replay-recorded"].map((it) => `${CONSOLE} ${it}`),
  ...[
    "batch-opened", "batch-planned", "audit-read", "batch-refused", "batch-committed",
    "batch-decided", "batch-settling", "batch-settled", "sweep-begun", "sweep-read", "sweep-sent",
    "sweep-returned", "sweep-ended", "sweep-replayed", "sweep-started", "sweep-noted",
    "replay-marked", "replay-enqueued", "replay-recorded",
  ].map((it) => `${CONSUMER} ${it}`),
];

/** The letters of one run. All points in one night have 500. */
const FEW = 24;

/** Crashes a Worker each time that `isIt` accepts the label of a step. */
function crashes(night, isIt) {
  const arm = (name) => night.faults[name].crashAt((point) => isIt(`${name} ${point}`));
  return () => [CONSOLE, CONSUMER].map(arm);
}

describe("F-1 A-6 a night in which everything stops", () => {
  let night;

  before(async () => {
    night = await startNight({ isStoppable: true });
    // The settings are written once per isolate, so that is done before a run.
    await night.sweep();
  });
  after(() => night?.stop());

  /** Replays `count` letters, with `arm` before each round, and checks the morning. */
  async function run(count, { arm, eachRound = () => undefined, ...how }) {
    const { filter, letters } = await night.parkAll(count, { poison: count === FEW ? 1 : 3 });
    const { id, hash } = await night.plan(filter);
    arm();
    for (let n = 0; n < 9; n += 1) {
      const { status, text } = await night.post(`/${id}/apply`, { hash });
      if (status === 200) break;
      assert.ok(status === 0 || status >= 500, `${status} ${text}`);
      arm();
    }
    const each = async () => {
      await eachRound();
      arm();
    };
    const replay = await night.carryOut(id, { eachRound: each, continueEvery: 5, ...how });
    night.release();
    assert.equal(replay.state, "done", replay.message);
    await night.checkBecame(letters, replay);
    await night.checkWhole();
    return { letters, replay };
  }

  it("F-1 at each step, alone: the messages stay, are lost, or come late", async (t) => {
    const course = [];
    await run(FEW, { arm: crashes(night, (label) => void course.push(label)) });
    checkAllReached(course, STEPS);
    const times = (label) => course.filter((it) => it === label).length;
    for (const label of STEPS) {
      // The first time, and in the middle of the night.
      for (const nth of new Set([0, times(label) >> 1])) {
        const isSending = label.includes("replay-");
        for (const then of isSending ? ["kept", "lost", "late"] : ["kept"]) {
          await t.test(`F-1 ${label}, number ${nth}, messages ${then}`, async () => {
            let [left, isDone, isAfter] = [nth, false, false];
            const arm = crashes(night, (it) => {
              if (isDone || it !== label || left-- > 0) return false;
              isDone = true;
              return true;
            });
            const eachRound = async () => {
              if (!isDone || isAfter) return;
              isAfter = true;
              night.release();
              if (then === "lost") night.lose();
              if (then === "kept") return;
              // The sweep returns the letters. If their messages were not lost, they come twice.
              await night.pass();
              await night.sweep();
            };
            await run(FEW, { arm, eachRound });
            assert.ok(isDone, "it crashed");
          });
        }
      }
    }
  });

  it("F-1 five hundred letters of every class, and each step stops twice", async () => {
    const seen = new Map();
    const stopped = [];
    const arm = crashes(night, (label) => {
      const count = (seen.get(label) ?? 0) + 1;
      seen.set(label, count);
      if (count !== 1 && count !== 4) return false;
      stopped.push(label);
      return true;
    });
    const { replay } = await run(500, { arm, rounds: 300 });
    checkAllReached(stopped, STEPS);
    assert.equal(replay.total, 500);
    assert.ok(stopped.length > STEPS.length, `${stopped.length}`);
  });
});

describe("A-6 a deployment in the middle of a replay", () => {
  let folder;
  let night;

  const start = () =>
    startNight({
      folder,
      isStoppable: true,
      more: { "console-next": { as: "console" }, "consumer-next": { as: "consumer" } },
    });

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "rolecall-night-"));
    night = await start();
    await night.sweep();
  });
  after(async () => {
    await night?.stop();
    await rm(folder, { recursive: true });
  });

  /** A replay whose canary is through. */
  async function begun(count) {
    const { filter, letters } = await night.parkAll(count);
    const { id, hash } = await night.plan(filter);
    const advance = async () => {
      const { json } = await night.post(`/${id}/apply`, { hash });
      if (json.sent === 0) await night.post(`/${id}/continue`);
      const sent = `SELECT count(*) AS n FROM replay_letters
        WHERE replay_id = ?1 AND became = 'sent'`;
      return night.one(sent, id);
    };
    while ((await advance()).n === 0);
    await night.arrived();
    assert.ok(await night.deliver());
    return { id, hash, letters };
  }

  async function finish({ id, letters }) {
    const replay = await night.carryOut(id);
    assert.equal(replay.state, "done", replay.message);
    await night.checkBecame(letters, replay);
    await night.checkWhole();
    return replay;
  }

  const checkOnce = ({ letters }) => {
    const ids = new Set(letters.map(({ id }) => id));
    for (const [key, times] of night.timesSent()) {
      if (ids.has(key.split(" ")[0])) assert.equal(times, 1, key);
    }
  };

  it("A-6 the older console is amid a step while the newer one goes on", async () => {
    const all = await begun(240);
    const pause = night.faults[CONSOLE].pauseAll((point) => point === "replay-marked");
    const older = night.post(`/${all.id}/continue`);
    await pause.reached(1);
    const next = { console: "console-next" };
    const { json } = await night.post(`/${all.id}/continue`, undefined, next);
    assert.equal(json.state, "running");
    await night.deliver();
    pause.open();
    assert.equal((await older).status, 200);
    night.release();
    await finish(all);
    checkOnce(all);
  });

  it("A-6 the older consumer has a batch while the newer one gets the same messages", async () => {
    for (const point of ["batch-planned", "audit-read", "batch-committed", "batch-settling"]) {
      const all = await begun(48);
      await night.post(`/${all.id}/continue`);
      await night.arrived();
      const pause = night.faults[CONSUMER].pauseAll((it) => it === point);
      const older = night.deliver();
      await pause.reached(1);
      const copies = await night.deliver("consumer-next");
      pause.open();
      assert.deepEqual([copies, await older], [true, true], point);
      night.release();
      await finish(all);
      checkOnce(all);
    }
  });

  it("A-6 all Workers end at once, and newer ones start on their storage", async () => {
    const all = await begun(240);
    const pause = night.faults[CONSOLE].pauseAll((point) => point === "replay-enqueued");
    const cut = night.post(`/${all.id}/continue`);
    await pause.reached(1);
    const before = night;
    await before.stop();
    pause.open();
    assert.notEqual((await cut).status, 200);
    night = await start();
    night.adopt(before);
    await finish(all);
  });
});
