// The read-only look at a role cache: it registers no watch, sets no alarm and writes nothing.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";

const NEVER_ASKED = {
  owner: 0, floor: 0, version: null, standing: null, age_ms: null, serves: false,
};

describe("a peek at a role cache", () => {
  let folder;
  let system;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "rolecall-peek-"));
    const caches = { ROLES: "rolecall-durable" };
    system = await startDirect([workerOf("durable")], { caches, folder });
  });
  after(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function peek(user) {
    const { status, body } = await system.tell("ROLES", user, "peek", {});
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  const watches = () => system.sql("SELECT user_id, version, acked FROM watches ORDER BY user_id");

  /** How many rows, alarms among them, the objects have stored. */
  function stored() {
    const isObject = (file) => file.includes("RoleCache") && file.endsWith(".sqlite");
    const files = readdirSync(folder, { recursive: true }).filter(isObject);
    const rows = files.map((file) => {
      const db = new DatabaseSync(path.join(folder, file), { readOnly: true });
      try {
        const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
        const count = ({ name }) => db.prepare(`SELECT count(*) AS n FROM "${name}"`).get().n;
        return tables.map(count).reduce((sum, n) => sum + n, 0);
      } finally {
        db.close();
      }
    });
    return rows.reduce((sum, n) => sum + n, 0);
  }

  it("of an object that was never asked is empty, and leaves nothing behind", async () => {
    const user = clerk.newId("user");
    for (let looked = 0; looked < 3; looked += 1) assert.deepEqual(await peek(user), NEVER_ASKED);
    assert.deepEqual(await watches(), []);
    await system.evict("rolecall-durable", user);
    assert.equal(stored(), 0, "neither state nor alarm");
    // The same count after a query, so that it is known to find what is stored.
    assert.equal((await system.tell("ROLES", user, "ask", {})).status, 200);
    await system.evict("rolecall-durable", user);
    assert.ok(0 < stored(), "a query stores its state");
    assert.equal((await watches()).length, 1);
  });

  it("shows the version, its age and the floor, and starts no fill", async () => {
    const user = clerk.newId("user");
    await system.sql(
      `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
       VALUES (?1, '["admin"]', 0, 1, 1, 1, '')`,
      user,
    );
    const asked = (await system.tell("ROLES", user, "ask", {})).body;
    const [watch] = await system.sql("SELECT * FROM watches WHERE user_id = ?1", user);
    const { age_ms, ...shown } = await peek(user);
    const { version } = asked.set;
    const { owner } = watch;
    assert.deepEqual(shown, { owner, floor: version, version, standing: "live", serves: true });
    assert.ok(0 <= age_ms && age_ms < 60_000, `${age_ms}`);
    // A change without a hint: the object still holds the old version, and a look reads nothing.
    await system.sql("UPDATE users SET app_roles = '[]' WHERE id = ?1", user);
    const [{ version: newer }] = await system.sql("SELECT * FROM watches WHERE user_id = ?1", user);
    assert.ok(version < newer);
    await system.evict("rolecall-durable", user);
    assert.equal((await peek(user)).version, version, "from the storage too");
    const [{ acked }] = await system.sql("SELECT * FROM watches WHERE user_id = ?1", user);
    assert.equal(acked, version, "the hint is still pending");
  });

  it("is a GET at its own address", async () => {
    const { status } = await system.tell("ROLES", clerk.newId("user"), "peeked", {});
    assert.equal(status, 404);
  });
});
