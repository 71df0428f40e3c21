// S-16: `ssr` crashes between the access check and the page. The user gets no page, and the next
// user gets theirs.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { DOCUMENT } from "./support/answers.mjs";
import * as clerk from "./support/clerk.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { FaultPoints, checkAllReached } from "./support/fault-points.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { wire } from "./support/wire.mjs";

describe("S-16 a crash of the app", () => {
  const faultPoints = new FaultPoints();
  const [admin, other] = ["user", "user"].map(clerk.newId);
  let system;

  before(async () => {
    const bindings = { ...PEM_VARS, ROLES_ISOLATE_MS: "1000" };
    system = await startDirect([workerOf("durable"), faultPoints.worker("ssr", { bindings })]);
    await system.sql("INSERT INTO roles (name) VALUES ('admin')");
    for (const [user, roles] of [[admin, '["admin"]'], [other, "[]"]]) {
      await system.sql(
        `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
         VALUES (?1, ?2, 0, 1, 1, 1, '')`,
        user,
        roles,
      );
    }
  });
  after(() => system?.stop());

  /** Returns a user's response, or that the connection broke. */
  async function get(user, path = "/admin") {
    const url = await system.url("rolecall-ssr");
    const headers = { ...DOCUMENT, ...bearer(mint(user)) };
    return wire(url, path, { headers }).catch((cause) => ({ status: 0, text: String(cause) }));
  }

  it("shows no page, and the next request gets the right page", async () => {
    const course = await faultPoints.recordPoints(async () => {
      const { status, text } = await get(admin);
      assert.equal(status, 200);
      assert.ok(text.includes(admin));
      assert.equal((await get(other)).status, 403);
    });
    checkAllReached(course, ["page-permitted"]);
    for (let times = 0; times < 3; times += 1) {
      const crash = faultPoints.crashAt((_, subject) => subject === admin);
      const dead = await get(admin);
      assert.ok(crash.isDone(), "it crashed");
      assert.ok(dead.status === 0 || 500 <= dead.status, `${dead.status}`);
      assert.ok(!dead.text.includes(admin) && !dead.text.includes("Administration"), dead.text);
      // The next requests, all at once.
      const next = await Promise.all([other, admin, other, admin].map((user) => get(user)));
      assert.deepEqual(next.map(({ status }) => status), [403, 200, 403, 200]);
      assert.ok(next[1].text.includes(admin) && !next[1].text.includes(other));
      assert.equal((await get(other, "/dashboard")).status, 200);
    }
  });

  it("does not affect concurrent requests of other users", async () => {
    const held = faultPoints.pauseAll((_, subject) => subject === other);
    const waiting = get(other, "/dashboard");
    await held.reached(1);
    const crash = faultPoints.crashAt((_, subject) => subject === admin);
    await get(admin);
    assert.ok(crash.isDone(), "it crashed");
    held.open();
    const { status, text } = await waiting;
    // Their isolate may be gone: then no page, but never another user's.
    assert.ok(!text.includes(admin), text);
    assert.ok(status !== 200 || text.includes(other), `${status}`);
    assert.equal((await get(other, "/dashboard")).status, 200);
  });
});
