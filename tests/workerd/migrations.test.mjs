// A database that the old set of migrations made is brought up to date by wrangler's own program:
// it ends with the schema of an empty one, and every row and every view is as it was.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "./support/system.mjs";

const run = promisify(execFile);

/** The set as it was before it was written anew. */
const OLD_SET = path.join(ROOT, "tests/fixtures/migrations-8ae78ec");

const ROWS = `
  INSERT INTO settings (key, value) VALUES ('default_role', 'admin');
  INSERT INTO roles (name) VALUES ('admin'), ('editor');
  INSERT INTO users (id, email, app_roles, deleted, updated_at, event_at, projection, digest) VALUES
    ('user_ada', 'ada@example.com', '["admin"]', 0, 5, 5, 2, 'a'), ('user_bob', NULL, '[]', 1, 0, 0, 0, '');
  INSERT INTO watches (user_id, owner, version, acked, everyone_version) VALUES ('user_ada', 7, 1, 1, 3);
  INSERT INTO organizations (id, name, deleted, updated_at, event_at, projection, digest) VALUES ('org_1', 'Kestrel', 0, 1, 1, 2, 'a');
  INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
    ('orgmem_1', 'org_1', 'user_ada', 'org:admin', '["org:a:read"]', 0, 1, 1, 2, 'a');
  INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
    ('role_1', 'org:member', '[{"id":"perm_1","key":"org:c:read"}]', 0, 1, 1, 2, 'a');
  INSERT INTO org_permissions (id, key, deleted, updated_at, event_at, projection, digest) VALUES ('perm_1', 'org:c:read', 0, 1, 1, 2, 'a');
  INSERT INTO user_roles (user_id, role_id) SELECT 'user_ada', id FROM roles WHERE name = 'editor';
  INSERT INTO deliveries (svix_id, type, outcome, attempted_at, received_at, applied_at, body_digest, note) VALUES
    ('msg_1', 'user.created', 'applied', 1, 1, 1, 'x', 'a role was left out');
  INSERT INTO dead_letters (message_id, queue, reason, attempts, first_seen_at, last_seen_at, envelope) VALUES ('m', 'q', 'shape', 1, 1, 1, '{}');
  INSERT INTO audit (id, at, actor, action) VALUES ('a', 1, 'me', 'did');`;

describe("a database of the old set of migrations", () => {
  const folders = {};
  const wrangler = async (folder, words) => {
    const { stdout } = await run(path.join(ROOT, "node_modules/.bin/wrangler"), words, {
      cwd: folder,
      env: { ...process.env, CI: "1" },
    });
    return stdout;
  };
  const use = (folder, migrations) => {
    rmSync(path.join(folder, "migrations"), { recursive: true, force: true });
    cpSync(migrations, path.join(folder, "migrations"), { recursive: true });
  };
  const apply = (folder) =>
    wrangler(folder, "d1 migrations apply rolecall --env consumer --local --config wrangler.toml".split(" "));
  const execute = async (folder, sql) => {
    const words = "d1 execute rolecall --env consumer --local --config wrangler.toml --json --command";
    return JSON.parse(await wrangler(folder, [...words.split(" "), sql])).map(({ results }) => results);
  };
  /** What SQLite has recorded, whatever the line breaks. */
  const schema = async (folder) => {
    const [rows] = await execute(folder, "SELECT type, name, sql FROM sqlite_master ORDER BY type, name");
    const oneLine = (text) => text?.replaceAll(/\s+/g, " ").replaceAll("( ", "(").replaceAll(/ ([),])/g, "$1");
    return rows.map(({ type, name, sql }) => ({ type, name, sql: oneLine(sql) }));
  };

  before(() => {
    for (const name of ["old", "empty"]) {
      folders[name] = mkdtempSync(path.join(tmpdir(), `rolecall-migrations-${name}-`));
      cpSync(path.join(ROOT, "wrangler.toml"), path.join(folders[name], "wrangler.toml"));
    }
  });
  after(() => {
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
  });

  it("gets the schema of an empty one and loses no row", async () => {
    use(folders.old, OLD_SET);
    await apply(folders.old);
    await execute(folders.old, ROWS);
    const list = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'";
    const [all] = await execute(folders.old, list);
    const names = all.map(({ name }) => name).filter((name) => !["d1_migrations", "_cf_METADATA"].includes(name));
    // As far as the old columns go.
    const columns = await execute(folders.old, names.map((name) => `SELECT name FROM pragma_table_info('${name}')`).join("; "));
    const everything = names
      .map((name, at) => `SELECT ${columns[at].map((column) => column.name).join(", ")} FROM ${name}`)
      .join("; ");
    const was = await execute(folders.old, everything);
    assert.ok(20 < was.filter((rows) => 0 < rows.length).length, "few tables and views have rows");

    use(folders.old, path.join(ROOT, "migrations"));
    assert.match(await apply(folders.old), /0007_derived\.sql/);
    const is = await execute(folders.old, everything);
    for (const [at, name] of names.entries()) assert.deepEqual(is[at], was[at], name);

    use(folders.empty, path.join(ROOT, "migrations"));
    await apply(folders.empty);
    assert.deepEqual(await schema(folders.old), await schema(folders.empty));
    assert.match(await apply(folders.old), /No migrations to apply/);
  });
});
