// Export and restore, with the commands of docs/backup.md. The test reads the commands from the
// page and runs them with wrangler on local databases instead of remote ones.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "./support/system.mjs";

const run = promisify(execFile);

/** The commands of the page, by their distinguishing word. */
const PAGE = readFileSync(path.join(ROOT, "docs/backup.md"), "utf8");
const COMMANDS = [...PAGE.matchAll(/^ {4}npx wrangler (.*)$/gm)].map(([, words]) => words.split(" "));

/**
 * Tables that belong to running Workers, to wrangler or to SQLite, and the view of the present time.
 */
const LEFT_OUT = new Set([
  "watches", "watch_marks", "everyone", "heartbeats", "rolecall_clock", "d1_migrations", "_cf_METADATA",
]);

/** Rows of every kind, among them a member who came back while the first delete was lost. */
const ROWS = `
  INSERT INTO users (id, email, app_roles, deleted, updated_at, event_at, projection, digest) VALUES
    ('user_ada', 'o''hara@example.com', '["admin"]', 0, 5, 5, 2, 'a'), ('user_bob', NULL, '[]', 1, 0, 0, 0, '');
  INSERT INTO organizations (id, name, deleted, updated_at, event_at, projection, digest) VALUES ('org_1', 'Kestrel;
Works', 0, 1, 1, 2, 'a');
  INSERT INTO memberships (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest) VALUES
    ('orgmem_1', 'org_1', 'user_ada', 'org:admin', '["org:a:read"]', 0, 1, 1, 2, 'a'),
    ('orgmem_2', 'org_1', 'user_ada', 'org:member', '["org:b:read"]', 0, 2, 2, 2, 'b');
  UPDATE memberships SET deleted = 1, org_id = '', user_id = '', role = '', permissions = '[]', updated_at = 0,
    event_at = 0, projection = 0, digest = '' WHERE id = 'orgmem_2';
  INSERT INTO org_roles (id, key, permissions, deleted, updated_at, event_at, projection, digest) VALUES
    ('role_1', 'org:auditor', '[{"id":"perm_1","key":"org:c:read"}]', 0, 1, 1, 2, 'a');
  DELETE FROM org_roles WHERE id = 'role_1';
  INSERT INTO org_permissions (id, key, deleted, updated_at, event_at, projection, digest) VALUES ('perm_1', 'org:c:read', 0, 1, 1, 2, 'a');
  INSERT INTO roles (name) VALUES ('admin'), ('editor');
  INSERT INTO user_roles (user_id, role_id) SELECT 'user_ada', id FROM roles WHERE name = 'editor';
  INSERT INTO settings (key, value) VALUES ('default_role', 'admin');
  INSERT INTO deliveries (svix_id, type, outcome, attempted_at, received_at, applied_at, body_digest) VALUES ('msg_1', 'user.created', 'applied', 1, 1, 1, 'x');
  INSERT INTO dead_letters (message_id, queue, reason, attempts, first_seen_at, last_seen_at, envelope) VALUES ('m', 'q', 'shape', 1, 1, 1, '{"a":"\\n"}');
  UPDATE dead_letters SET state = 'replaying', replay_id = 'r1';
  INSERT INTO replays (id, action, state, is_open, created_at, updated_at, actor, reason, filter, progress)
    VALUES ('r1', 'replay', 'running', 1, 1, 1, 'token:1', 'why', '{}', '{}');
  INSERT INTO replay_letters (replay_id, position, message_id, generation, planned) VALUES ('r1', 0, 'm', 0, 'applied');
  INSERT INTO operator_names (actor, name, seen_at) VALUES ('token:1', 'token', 1);
  INSERT INTO flow (hour, batches, messages, ignored, parked, lag_ms_max, lag_ms_sum, last_at) VALUES (1, 1, 1, 0, 0, 1, 1, 1);
  ${chain(12)}`;

/** Entries of the audit trail. They are loaded in their order, or the trail refuses them. */
function chain(length) {
  const row = (seq) =>
    `('${String(seq).padStart(16, "0")}', 1, 'me', 'did', ${seq}, '${seq === 1 ? "" : `h${seq - 1}`}', 'h${seq}')`;
  const rows = Array.from({ length }, (_, at) => row(at + 1));
  return `INSERT INTO audit (id, at, actor, action, seq, prev, hash) VALUES ${rows.join(", ")};`;
}

describe("a database", () => {
  const folders = {};
  const wrangler = (folder, words) =>
    run(path.join(ROOT, "node_modules/.bin/wrangler"), words, { cwd: folder, env: { ...process.env, CI: "1" } });
  /** Runs a command of the page on the local database of a folder. */
  const page = (folder, words) => wrangler(folder, words.map((word) => (word === "--remote" ? "--local" : word)));
  /** Runs SQL on the local database of a folder, and returns the rows of each statement. */
  const execute = async (folder, sql) => {
    const words = "d1 execute rolecall --env consumer --local --config wrangler.toml --json --command";
    const { stdout } = await wrangler(folder, [...words.split(" "), sql]);
    // Sorted, because the two databases may have different orders.
    return JSON.parse(stdout).map(({ results }) => results.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)));
  };

  before(() => {
    for (const name of ["from", "to"]) {
      folders[name] = mkdtempSync(path.join(tmpdir(), `rolecall-backup-${name}-`));
      cpSync(path.join(ROOT, "wrangler.toml"), path.join(folders[name], "wrangler.toml"));
      cpSync(path.join(ROOT, "migrations"), path.join(folders[name], "migrations"), { recursive: true });
    }
  });
  after(() => {
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
  });

  it("is the same after export and restore as on the page", async () => {
    const of = (verb) => COMMANDS.filter(([, second]) => second === verb);
    const [[migrate], exports, loads] = [of("migrations"), of("export"), of("execute")];
    assert.equal(COMMANDS.length, 5, "the page has other commands than the test");

    await page(folders.from, migrate);
    await execute(folders.from, ROWS);
    for (const words of exports) await page(folders.from, words);
    for (const file of ["heard.sql", "rows.sql"]) cpSync(path.join(folders.from, file), path.join(folders.to, file));
    await page(folders.to, migrate);
    for (const words of loads) await page(folders.to, words);

    const list = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'";
    const [all] = await execute(folders.from, list);
    const names = all.map(({ name }) => name).filter((name) => !LEFT_OUT.has(name));
    const everything = names.map((name) => `SELECT * FROM ${name}`).join("; ");
    const [was, is] = await Promise.all([folders.from, folders.to].map((it) => execute(it, everything)));
    for (const [at, name] of names.entries()) assert.deepEqual(is[at], was[at], name);
    assert.ok(15 < was.filter((rows) => 0 < rows.length).length, "few tables and views have rows");

    const [pairs, members] = await execute(folders.to, "SELECT * FROM membership_pairs; SELECT * FROM org_memberships");
    assert.equal(pairs[0].updated_at, 2, "the rank of a pair must outlive the row that raised it");
    assert.deepEqual(members, [], "the older membership does not count again");
  });
});
