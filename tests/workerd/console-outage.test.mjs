// The console while its database is away: it says so on every page and route, and a change whose
// answer was lost can be asked for again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { SAME_ORIGIN, TOKEN, ask as send } from "./support/console.mjs";
import { deliver } from "./support/delivery.mjs";
import { controlledDatabase, startDirect, workerOf } from "./support/direct.mjs";
import { bearer } from "./support/sessions.mjs";
import { ROOT } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const LOST = "D1_ERROR: Network connection lost.";

const API = "/api/v1";

/** Every route that reads the database and changes nothing, with an id where the path has one. */
const LOOKS = Object.entries(
  JSON.parse(readFileSync(path.join(ROOT, "console/openapi.json"), "utf8")).paths,
)
  .filter(([route, how]) => how.get && route.startsWith(API) && !route.endsWith("/whoami"))
  .map(([route]) => route.replace(/\{\w+\}/g, "user_1"));

/** Pages that read the database. */
const PAGES = ["/", "/dead-letters", "/dead-letters/m", "/replays", "/users/user_1", "/audit"];

describe("the console without its database", () => {
  const database = controlledDatabase();
  let system;
  let url;

  before(async () => {
    const wrappedBindings = { DB: "controlled-database" };
    const held = { d1Databases: undefined, wrappedBindings, bindings: { OPERATOR_TOKEN: TOKEN } };
    system = await startDirect([
      workerOf("ingest"),
      workerOf("consumer"),
      workerOf("durable"),
      workerOf("console", held),
      database.worker,
    ]);
    url = await system.url("rolecall-console");
  });
  after(() => system?.stop());

  async function ask(where, { body, accept = "application/json" } = {}) {
    const headers = { ...bearer(TOKEN), accept };
    const change = { method: "POST", body: JSON.stringify(body) };
    const json = { "content-type": "application/json", ...SAME_ORIGIN };
    if (body) return send(url, where, { ...change, headers: { ...headers, ...json } });
    return send(url, where, { headers });
  }

  async function done(where, body) {
    const { status, text } = await ask(`${API}${where}`, { body });
    assert.equal(status, 200, text);
    return JSON.parse(text);
  }

  it("answers 503 with the next step on every route and page", async () => {
    database.gate = () => LOST;
    const broken = [];
    for (const route of LOOKS) {
      const { status, text } = await ask(route);
      if (status !== 503) broken.push(`${route} ${status} ${text.slice(0, 80)}`);
      else {
        const { error, message, next } = JSON.parse(text);
        assert.deepEqual([error, Boolean(message), Boolean(next)], ["database", true, true], route);
        assert.ok(!text.includes(LOST), route);
      }
    }
    for (const page of PAGES) {
      const { status, text } = await ask(page, { accept: "text/html" });
      if (status !== 503 || !text.includes("<main")) broken.push(`${page} ${status}`);
    }
    assert.deepEqual(broken, []);
  });

  it("takes up a change again whose answer was lost, and does it once", async () => {
    database.gate = () => undefined;
    const user = clerk.newId("user");
    const closed = "BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'closed'); END";
    await system.sql(`CREATE TRIGGER closed ${closed}`);
    const ingest = await system.worker("rolecall-ingest");
    assert.equal((await deliver(ingest, clerk.withRole(user, "admin"))).status, 202);
    await waitFor("the delivery is parked", async () => {
      return (await done(`/dead-letters?subject=${user}`)).letters.length > 0;
    });
    await system.sql("DROP TRIGGER closed");
    const filter = { subject: user };
    const plan = await done("/replays", { action: "replay", filter, reason: "it is open" });

    // The batch that applies is committed, and its answer is lost.
    let lost = 0;
    database.gate = (moment, texts) => {
      const writes = texts.some((text) => text.startsWith("INSERT INTO audit"));
      if (moment !== "after" || !writes || lost === 1) return undefined;
      lost += 1;
      return LOST;
    };
    const applied = () => ask(`${API}/replays/${plan.id}/apply`, { body: { hash: plan.hash } });
    const first = await applied();
    assert.ok([200, 503].includes(first.status), first.text);
    await waitFor("the second one is answered", async () => (await applied()).status === 200);
    const end = await waitFor("the replay is at its end", async () => {
      const { status, text } = await ask(`${API}/replays/${plan.id}/continue`, { body: {} });
      const replay = status === 200 ? JSON.parse(text) : {};
      return replay.state === "done" && replay;
    });
    assert.equal(lost, 1);
    assert.deepEqual(end.counts, [{ planned: "applied", became: "applied", letters: 1 }]);
    const acts = await system.sql("SELECT action FROM audit ORDER BY seq");
    const names = acts.map(({ action }) => action);
    assert.equal(new Set(names).size, names.length, `each act once: ${names}`);
  });
});
