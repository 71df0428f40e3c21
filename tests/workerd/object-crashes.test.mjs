// F-1, F-5: a role cache crashes at each of its steps. Afterwards it serves nothing older than
// before, keeps what it has acknowledged, and still ends its watch.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { checkAllReached } from "./support/fault-points.mjs";
import { startPipeline } from "./support/pipeline.mjs";
import { waitFor } from "./support/wait.mjs";

/** Every step of a role cache that has a fault point. */
const FILL = ["save", "fill-begun", "fill-answered", "fill-taken", "fill-saved"];
const HINT = ["hint-raised", "hint-saved"];
const ALARM = ["alarm-ended", "alarm-saved", "alarm-unwatched"];

describe("F-1 a crash of a role cache", () => {
  let pipeline;

  before(async () => {
    pipeline = await startPipeline();
    await pipeline.sweep();
  });
  after(() => pipeline?.stop());

  /**
   * A first fill, a change, its hint, and the next fill. Records what was served, and the version
   * that the role cache has acknowledged.
   */
  async function life(user, { served, promised }, role = "admin") {
    served.push(await pipeline.ask(user));
    await pipeline.write(user, [role]);
    const { owner, version } = await pipeline.watch(user);
    assert.equal(await pipeline.hint(user, { owner, version }), "acked");
    promised.push({ version });
    await waitFor("it is served", async () => {
      served.push(await pipeline.ask(user));
      return served.at(-1).version === version;
    });
  }

  it("F-1 F-5 at each step of a fill and of a hint serves nothing older afterwards", async (t) => {
    const newUser = async () => {
      const user = clerk.newId("user");
      await pipeline.write(user, []);
      return user;
    };
    const newNotes = () => ({ served: [], promised: [] });
    const first = await newUser();
    const isOf = (user) => (_, subject) => subject === user;
    const work = () => life(first, newNotes());
    const course = await pipeline.faultPoints.recordPoints(work, isOf(first));
    checkAllReached(course, [...FILL, ...HINT]);
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const [user, notes] = [await newUser(), newNotes()];
        const crash = pipeline.faultPoints.crashAtNth(n, isOf(user));
        // Two fills can merge, and a run may have a step less: then it crashes in the next run.
        let isOver = false;
        const lives = async () => {
          for (let at = 0; !isOver; at += 1) await life(user, notes, `role-${at}`).catch(() => {});
        };
        // A query to a crashed role cache gets no answer: the guard times out.
        await Promise.race([lives(), crash.crashed()]);
        await crash.crashed();
        isOver = true;
        pipeline.faultPoints.release();
        const known = [...notes.served];
        // No new hint has arrived: it has kept what it had acknowledged.
        const first = await pipeline.ask(user);
        for (const { version } of [...known, ...notes.promised]) {
          assert.ok(version <= first.version, "I5");
        }
        await pipeline.write(user, ["editor"]);
        assert.ok(await pipeline.sweep());
        await pipeline.ask(user);
        assert.ok(await pipeline.sweep());
        await pipeline.checkAgreement(user);
        const { version } = await pipeline.ask(user);
        for (const { version: before } of known) assert.ok(before < version, "I5");
      });
    }
  });
});

describe("F-5 a storage that fails", () => {
  let pipeline;

  before(async () => {
    pipeline = await startPipeline();
    await pipeline.sweep();
  });
  after(() => pipeline?.stop());

  const ofSaves = (user) => (point, subject) => point === "save" && subject === user;

  it("F-5 a hint that could not be written is never acknowledged", async () => {
    const user = await pipeline.watched();
    const before = await pipeline.ask(user);
    await pipeline.write(user, ["admin"]);
    const { owner, version } = await pipeline.watch(user);
    pipeline.faultPoints.fail(ofSaves(user));
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual(await pipeline.hint(user, { owner, version }), { reason: "storage" });
    }
    // The sweep gets no acknowledgement either: the hint stays pending. Unsaved state is unused.
    await pipeline.sweep();
    const pendingWatch = await pipeline.watch(user);
    assert.ok(pendingWatch.acked < pendingWatch.version);
    assert.equal(await pipeline.guard(user), 503);
    // Then it is written, although it is already in memory: after a crash it is still there.
    const crash = pipeline.faultPoints.crashAt(
      (point, subject) => point === "fill-answered" && subject === user,
    );
    assert.equal(await pipeline.hint(user, { owner, version }), "acked");
    await waitFor("it dies in its next fill", () => {
      void pipeline.ask(user).catch(() => {});
      return crash.isDone();
    });
    pipeline.faultPoints.release();
    const after = await pipeline.ask(user);
    assert.ok(before.version < after.version);
    assert.deepEqual(after.roles, await pipeline.rolesOf(user));
    await pipeline.sweep();
    await pipeline.checkAgreement(user);
  });

  it("F-5 a set that could not be written is not served, and no version goes back", async () => {
    const user = await pipeline.watched();
    await pipeline.write(user, ["admin"]);
    const { owner, version } = await pipeline.watch(user);
    // The floor is kept, but not the set of the next fill.
    let saves = 0;
    pipeline.faultPoints.fail((point, subject) => ofSaves(user)(point, subject) && 1 < ++saves);
    assert.equal(await pipeline.hint(user, { owner, version }), "acked");
    await waitFor("the set could not be written", () => 1 < saves);
    assert.equal(await pipeline.guard(user), 503);
    pipeline.faultPoints.release();
    await waitFor("it is read again", async () => (await pipeline.ask(user)).version === version);
    await pipeline.sweep();
    await pipeline.checkAgreement(user);
  });
});

describe("F-1 a crash of all Workers", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rolecall-"));
  let pipeline;

  before(async () => {
    pipeline = await startPipeline({ folder });
    await pipeline.sweep();
  });
  after(async () => {
    await pipeline?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("F-1 at each step of ending a watch: the watch is still ended", async () => {
    const users = await Promise.all(ALARM.map(() => pipeline.watched("IDLE")));
    const owners = await Promise.all(users.map(async (user) => (await pipeline.watch(user)).owner));
    const isAlarm = (point, subject) => point === ALARM[users.indexOf(subject)];
    const held = pipeline.faultPoints.pauseAll(isAlarm);
    await held.reached(ALARM.length);
    const watches = await Promise.all(users.map((user) => pipeline.watch(user)));
    assert.deepEqual(watches.map((watch) => watch !== undefined), [true, true, false]);

    await pipeline.stop();
    pipeline = await startPipeline({ folder });
    for (const [i, user] of users.entries()) {
      await waitFor("the watch is ended", async () => (await pipeline.watch(user)) === undefined);
      await pipeline.write(user, ["editor"]);
      assert.deepEqual((await pipeline.ask(user, "IDLE")).roles, await pipeline.rolesOf(user));
      assert.ok(owners[i] < (await pipeline.watch(user)).owner);
    }
  });
});
