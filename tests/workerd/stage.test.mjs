// A stage, from the file of `cargo xtask deploy --stage … --init` to a granted page: every name in
// the configuration differs from production's, and the Workers contain no names.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { TOKEN } from "./support/console.mjs";
import { deliver } from "./support/delivery.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { ROOT } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const STAGE = `test-${process.pid}`;
const FILE = `wrangler.${STAGE}.toml`;

describe("a stage", () => {
  let system;

  before(async () => {
    const args = ["xtask", "deploy", "--stage", STAGE, "--init"];
    execFileSync("cargo", args, { cwd: ROOT, stdio: "pipe" });
    const of = (env, change = {}) =>
      workerOf(env, { config: path.join(ROOT, FILE), name: `rolecall-${env}-${STAGE}`, ...change });
    const ssr = of("ssr", { bindings: PEM_VARS });
    const console = of("console", { bindings: { OPERATOR_TOKEN: TOKEN } });
    const workers = [ssr, of("ingest"), of("consumer"), of("durable"), console];
    // Production's names are not bound.
    const shown = JSON.stringify(workers);
    for (const name of shown.match(/"rolecall[a-z-]*[^"]*"/g)) {
      assert.ok(name.endsWith(`-${STAGE}"`), `${name} is production's`);
    }
    const database = Object.values(workers[2].d1Databases)[0];
    const id = typeof database === "string" ? database : database.id;
    system = await startDirect(workers, { database: id });
  });
  after(async () => {
    await system?.stop();
    rmSync(path.join(ROOT, FILE), { force: true });
  });

  it("shows a page after a signed delivery, and denies it after another one", async () => {
    const user = clerk.newId("user");
    const [ingest, ssr] = await Promise.all(
      ["ingest", "ssr"].map((env) => system.worker(`rolecall-${env}-${STAGE}`)),
    );
    const becomes = async (role, status) => {
      assert.equal((await deliver(ingest, clerk.withRole(user, role))).status, 202);
      await waitFor(`${role} is answered ${status}`, async () => {
        const request = { headers: bearer(mint(user)), redirect: "manual" };
        return (await ssr.fetch("https://app.example.com/admin", request)).status === status;
      });
    };
    await becomes("admin", 200);
    await becomes("editor", 403);
    assert.deepEqual(await system.sql("SELECT * FROM dead_letters"), []);
  });

  it("replays a letter by its own console, queue and database", async () => {
    const [ingest, ssr, console] = await Promise.all(
      ["ingest", "ssr", "console"].map((env) => system.worker(`rolecall-${env}-${STAGE}`)),
    );
    const ask = async (where, body) => {
      const headers = { ...bearer(TOKEN), "content-type": "application/json" };
      const how = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
      const answer = await console.fetch(`https://console.example.com/api/v1${where}`, how);
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      return JSON.parse(text);
    };
    const user = clerk.newId("user");
    const closed = "BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'closed'); END";
    await system.sql(`CREATE TRIGGER closed ${closed}`);
    assert.equal((await deliver(ingest, clerk.withRole(user, "admin"))).status, 202);
    const [letter] = await waitFor("the delivery is parked", async () => {
      const { letters } = await ask(`/dead-letters?subject=${user}`);
      return letters.length > 0 && letters;
    });
    await system.sql("DROP TRIGGER closed");

    const filter = { ids: [letter.id] };
    const plan = await ask("/replays", { action: "replay", filter, reason: "the table is open" });
    assert.deepEqual(plan.counts, [{ planned: "applied", became: "waiting", letters: 1 }]);
    await ask(`/replays/${plan.id}/apply`, { hash: plan.hash });
    const done = await waitFor("the replay is at its end", async () => {
      const replay = await ask(`/replays/${plan.id}/continue`, {});
      return replay.state === "done" && replay;
    });
    assert.deepEqual(done.counts, [{ planned: "applied", became: "applied", letters: 1 }]);
    const request = { headers: bearer(mint(user)), redirect: "manual" };
    assert.equal((await ssr.fetch("https://app.example.com/admin", request)).status, 200);
  });
});
