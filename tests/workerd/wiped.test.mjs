// F-22: the storage of all role caches is lost, and the database does not know it.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { startPipeline } from "./support/pipeline.mjs";
import { waitFor } from "./support/wait.mjs";

describe("role caches without storage", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rolecall-"));
  const users = Array.from({ length: 4 }, () => clerk.newId("user"));
  const [kept, revoked, watched, unknown] = users;
  const versions = new Map();
  let pipeline;
  let watches;

  before(async () => {
    pipeline = await startPipeline({ folder });
    await pipeline.sweep();
    await pipeline.sql("INSERT INTO roles (name) VALUES ('admin'), ('editor')");
    for (const user of [kept, revoked, watched]) {
      await pipeline.write(user, ["admin"]);
      versions.set(user, (await pipeline.ask(user)).version);
    }
    const entries = users.map(async (user) => [user, await pipeline.watch(user)]);
    watches = new Map(await Promise.all(entries));
    await pipeline.stop();
    // Miniflare stores each class's objects in a folder with its name, beside D1's.
    const stored = path.join(folder, "do", "rolecall-durable-RoleCache");
    assert.ok(existsSync(stored) && 0 < readdirSync(stored).length, "there was something to lose");
    rmSync(stored, { recursive: true });
    pipeline = await startPipeline({ folder });
  });
  after(async () => {
    await pipeline?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("F-22 grant nothing without the database, and the database's roles with it", async () => {
    await pipeline.write(revoked, []);
    await pipeline.sql("ALTER TABLE users RENAME TO test_users");
    for (const user of users) {
      for (const where of ["/admin", "/dashboard", "/api/me", "/api/check?role=admin"]) {
        assert.equal(await pipeline.guard(user, where), 503, where);
      }
    }
    await pipeline.sql("ALTER TABLE test_users RENAME TO users");
    // Each role cache waits a moment after a failed fill.
    const becomes = (user, status) =>
      waitFor(`the guard answers ${status}`, async () => {
        const got = await pipeline.guard(user);
        assert.ok([503, status].includes(got), `${got}`);
        return got === status;
      });
    await becomes(kept, 200);
    await becomes(revoked, 403);
    await becomes(unknown, 403);
    for (const user of [kept, revoked]) {
      const { owner } = await pipeline.watch(user);
      assert.ok(watches.get(user).owner < owner, "another owner");
      assert.ok(versions.get(user) < (await pipeline.ask(user)).version, "I5");
    }
  });

  it("F-22 have the hint of a forgotten watch end it, and no other", async () => {
    await pipeline.write(watched, []);
    assert.ok(await pipeline.sweep());
    assert.equal(await pipeline.watch(watched), undefined);
    assert.equal(await pipeline.guard(watched), 403);
    assert.ok(versions.get(watched) < (await pipeline.ask(watched)).version, "I5");
    // A late hint to the previous owner changes nothing for the next one.
    const { owner, version } = watches.get(kept);
    assert.equal(await pipeline.hint(kept, { owner, version: version + 1_000 }), "gone");
    assert.equal(await pipeline.guard(kept), 200);
    await pipeline.write(kept, ["editor"]);
    assert.ok(await pipeline.sweep());
    await pipeline.checkAgreement(kept);
    assert.equal(await pipeline.guard(kept), 403);
  });
});
