// F-1, F-5: a role cache crashes at each of its steps. Afterwards it serves nothing older than
// before, keeps what it has acknowledged, and still ends its watch.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { startLine } from "./support/line.mjs";
import { covers } from "./support/switches.mjs";
import { waitFor } from "./support/wait.mjs";

/** Every step of a role cache that has a fault point. */
const FILL = ["save", "fill-begun", "fill-answered", "fill-taken", "fill-saved"];
const HINT = ["hint-raised", "hint-saved"];
const ALARM = ["alarm-ended", "alarm-saved", "alarm-unwatched"];

describe("F-1 a crash of a role cache", () => {
  let line;

  before(async () => {
    line = await startLine();
    await line.sweep();
  });
  after(() => line?.stop());

  /**
   * A first fill, a change, its hint, and the next fill. Records what was served, and the version
   * that the role cache has acknowledged.
   */
  async function life(user, { served, promised }, role = "admin") {
    served.push(await line.ask(user));
    await line.write(user, [role]);
    const { owner, version } = await line.watch(user);
    assert.equal(await line.hint(user, { owner, version }), "acked");
    promised.push({ version });
    await waitFor("it is served", async () => {
      served.push(await line.ask(user));
      return served.at(-1).version === version;
    });
  }

  it("F-1 F-5 at each step of a fill and of a hint serves nothing older afterwards", async (t) => {
    const newUser = async () => {
      const user = clerk.newId("user");
      await line.write(user, []);
      return user;
    };
    const newNotes = () => ({ served: [], promised: [] });
    const first = await newUser();
    const isOf = (user) => (_, whom) => whom === user;
    const course = await line.switches.course(() => life(first, newNotes()), isOf(first));
    covers(course, [...FILL, ...HINT]);
    for (const [n, point] of course.entries()) {
      await t.test(`F-1 ${point}, step ${n}`, async () => {
        const [user, notes] = [await newUser(), newNotes()];
        const kill = line.switches.killAt(n, isOf(user));
        // Two fills can merge, and a run may have a step less: then it crashes in the next run.
        let isOver = false;
        const lives = async () => {
          for (let at = 0; !isOver; at += 1) await life(user, notes, `role-${at}`).catch(() => {});
        };
        // A query to a crashed role cache gets no answer: the guard times out.
        await Promise.race([lives(), kill.died()]);
        await kill.died();
        isOver = true;
        line.switches.release();
        const known = [...notes.served];
        // No new hint has arrived: it has kept what it had acknowledged.
        const first = await line.ask(user);
        for (const { version } of [...known, ...notes.promised]) {
          assert.ok(version <= first.version, "I5");
        }
        await line.write(user, ["editor"]);
        assert.ok(await line.sweep());
        await line.ask(user);
        assert.ok(await line.sweep());
        await line.agrees(user);
        const { version } = await line.ask(user);
        for (const { version: before } of known) assert.ok(before < version, "I5");
      });
    }
  });
});

describe("F-5 a storage that fails", () => {
  let line;

  before(async () => {
    line = await startLine();
    await line.sweep();
  });
  after(() => line?.stop());

  const ofSaves = (user) => (point, whom) => point === "save" && whom === user;

  it("F-5 a hint that could not be written is never acknowledged", async () => {
    const user = await line.watched();
    const before = await line.ask(user);
    await line.write(user, ["admin"]);
    const { owner, version } = await line.watch(user);
    line.switches.fail(ofSaves(user));
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual(await line.hint(user, { owner, version }), { reason: "storage" });
    }
    // The sweep gets no acknowledgement either: the hint stays pending. Unsaved state is unused.
    await line.sweep();
    const owed = await line.watch(user);
    assert.ok(owed.acked < owed.version);
    assert.equal(await line.guard(user), 503);
    // Then it is written, although it is already in memory: after a crash it is still there.
    const kill = line.switches.kill((point, whom) => point === "fill-answered" && whom === user);
    assert.equal(await line.hint(user, { owner, version }), "acked");
    await waitFor("it dies in its next fill", () => {
      void line.ask(user).catch(() => {});
      return kill.isDone();
    });
    line.switches.release();
    const after = await line.ask(user);
    assert.ok(before.version < after.version);
    assert.deepEqual(after.roles, await line.rolesOf(user));
    await line.sweep();
    await line.agrees(user);
  });

  it("F-5 a set that could not be written is not served, and no version goes back", async () => {
    const user = await line.watched();
    await line.write(user, ["admin"]);
    const { owner, version } = await line.watch(user);
    // The floor is kept, but not the set of the next fill.
    let saves = 0;
    line.switches.fail((point, whom) => ofSaves(user)(point, whom) && 1 < ++saves);
    assert.equal(await line.hint(user, { owner, version }), "acked");
    await waitFor("the set could not be written", () => 1 < saves);
    assert.equal(await line.guard(user), 503);
    line.switches.release();
    await waitFor("it is read again", async () => (await line.ask(user)).version === version);
    await line.sweep();
    await line.agrees(user);
  });
});

describe("F-1 a crash of all Workers", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rolecall-"));
  let line;

  before(async () => {
    line = await startLine({ folder });
    await line.sweep();
  });
  after(async () => {
    await line?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("F-1 at each step of ending a watch: the watch is still ended", async () => {
    const users = await Promise.all(ALARM.map(() => line.watched("IDLE")));
    const owners = await Promise.all(users.map(async (user) => (await line.watch(user)).owner));
    const held = line.switches.holdAll((point, whom) => point === ALARM[users.indexOf(whom)]);
    await held.reached(ALARM.length);
    const watches = await Promise.all(users.map((user) => line.watch(user)));
    assert.deepEqual(watches.map((watch) => watch !== undefined), [true, true, false]);

    await line.stop();
    line = await startLine({ folder });
    for (const [i, user] of users.entries()) {
      await waitFor("the watch is ended", async () => (await line.watch(user)) === undefined);
      await line.write(user, ["editor"]);
      assert.deepEqual((await line.ask(user, "IDLE")).roles, await line.rolesOf(user));
      assert.ok(owners[i] < (await line.watch(user)).owner);
    }
  });
});
