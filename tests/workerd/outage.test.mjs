// D1 is unavailable for longer than all attempts of the events queue. Deliveries that were answered
// 202 are applied afterwards for all users, without a manual replay.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { controlledDatabase, startDirect, workerOf } from "./support/direct.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const LOST = "D1_ERROR: Network connection lost.";

/** As in wrangler.toml, except that the queue gives up at once: its attempts take minutes. */
const QUEUES = {
  "rolecall-events": {
    maxBatchSize: 100, maxBatchTimeout: 1, maxRetries: 0, deadLetterQueue: "rolecall-dead",
  },
  "rolecall-dead": { maxBatchSize: 100, maxBatchTimeout: 0, maxRetries: 100 },
};

describe("an outage of D1 that is longer than all attempts of the events queue", () => {
  const database = controlledDatabase();
  let system;

  before(async () => {
    const wrappedBindings = { DB: "controlled-database" };
    const held = { d1Databases: undefined, wrappedBindings, queueConsumers: QUEUES };
    system = await startDirect([
      workerOf("ssr", { bindings: PEM_VARS }),
      workerOf("ingest"),
      workerOf("consumer", held),
      workerOf("durable"),
      database.worker,
    ]);
  });
  after(() => system?.stop());

  async function guard(user) {
    const ssr = await system.worker("rolecall-ssr");
    const request = { headers: bearer(mint(user)), redirect: "manual" };
    return (await ssr.fetch("https://app.example.com/admin", request)).status;
  }

  async function send(users, role) {
    const ingest = await system.worker("rolecall-ingest");
    const answers = users.map((user) => deliver(ingest, clerk.withRole(user, role)));
    const ids = (await Promise.all(answers)).map(({ id, status }) => {
      assert.equal(status, 202);
      return id;
    });
    const some = "svix_id IN (SELECT value FROM json_each(?1))";
    const text = `SELECT outcome FROM deliveries WHERE ${some}`;
    return () => system.sql(text, JSON.stringify(ids));
  }

  it("a revocation of two users in one batch is applied afterwards", async () => {
    const users = [clerk.newId("user"), clerk.newId("user")];
    const granted = await send(users, "admin");
    await waitFor("both are admins", async () => (await granted()).length === users.length);
    for (const user of users) assert.equal(await guard(user), 200);

    const refused = [];
    database.gate = (when, _texts, parameters) => {
      const text = JSON.stringify(parameters);
      const isOurs = when === "before" && users.some((user) => text.includes(user));
      if (!isOurs) return undefined;
      refused.push(text);
      // The last attempt of the events queue fails; D1 is back for the dead-letter queue.
      database.gate = () => undefined;
      return LOST;
    };
    const revoked = await send(users, "editor");
    await waitFor("both are applied", async () => (await revoked()).length === users.length);
    assert.deepEqual(await revoked(), users.map(() => ({ outcome: "applied" })));
    assert.deepEqual(await system.sql("SELECT * FROM dead_letters"), []);
    assert.equal(refused.length, 1);
    for (const user of users) assert.ok(refused[0].includes(user), "one batch had both");
    for (const user of users) {
      await waitFor("no page opens", async () => (await guard(user)) === 403);
    }
  });
});
