// Variables of wrong types and numbers that contradict each other, as wrangler parses them from a
// file. Other values are tested in session.test.mjs and ingest-settings.test.mjs.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver, send } from "./support/delivery.mjs";
import { configWith, startDirect, workerOf } from "./support/direct.mjs";
import { PARTY, PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

const CANARY = "canary7Xq";

/** Variables of ingest that disable it, in TOML, and the error for each. */
const INGEST_CASES = {
  "instance-as-a-boolean": ["CLERK_INSTANCE_ID = true", "CLERK_INSTANCE_ID is not a string"],
  "instance-as-a-number": ["CLERK_INSTANCE_ID = 5", "CLERK_INSTANCE_ID is not a string"],
  "instance-as-a-list": [`CLERK_INSTANCE_ID = ["${CANARY}"]`, "CLERK_INSTANCE_ID is not a string"],
  "instance-of-nobody": [`CLERK_INSTANCE_ID = "${CANARY}"`, "CLERK_INSTANCE_ID is not a Clerk instance id"],
  "size-as-a-boolean": ["BODY_BYTES_MAX = true", "BODY_BYTES_MAX is not a whole number"],
  "size-as-a-list": ["BODY_BYTES_MAX = [65536]", "BODY_BYTES_MAX is not a whole number"],
  "size-as-a-table": ["BODY_BYTES_MAX = { max = 1 }", "BODY_BYTES_MAX is not a whole number"],
  "size-as-a-fraction": ["BODY_BYTES_MAX = 65536.5", "BODY_BYTES_MAX is not a whole number"],
};

/** Variables of the role caches with which they answer nothing. */
const CACHES = {
  BOOLEAN: ["ROLES_HARD_MS = true", "ROLES_HARD_MS is not a whole number"],
  LIST: ["ROLES_SOFT_MS = [5000]", "ROLES_SOFT_MS is not a whole number"],
  TURNED: [
    "ROLES_SOFT_MS = 10000, ROLES_HARD_MS = 5000", "ROLES_SOFT_MS is greater than ROLES_HARD_MS",
  ],
};

/** Variables of `ssr` that disable it, beside a valid issuer and key. */
const APPS = {
  "parties-as-a-boolean": ["AUTHORIZED_PARTIES = true", "AUTHORIZED_PARTIES is not a string"],
  "parties-as-a-table": [
    `AUTHORIZED_PARTIES = { app = "${PARTY}" }`, "AUTHORIZED_PARTIES is not a string",
  ],
  "isolate-as-a-boolean": [
    `AUTHORIZED_PARTIES = "${PARTY}", ROLES_ISOLATE_MS = true`,
    "ROLES_ISOLATE_MS is not a whole number",
  ],
  "party-with-a-page": [
    `AUTHORIZED_PARTIES = "https://${CANARY}.example/a"`,
    "AUTHORIZED_PARTIES contains more than origins",
  ],
};

describe("settings in wrangler's file", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rolecall-settings-"));
  let system;

  /** Returns the Worker of a binding. */
  const cacheOf = (binding) => `cache-${binding.toLowerCase()}`;

  const of = (env, name, vars, change = {}) =>
    workerOf(env, { name, config: configWith(folder, name, env, vars), ...change });

  before(async () => {
    const { AUTHORIZED_PARTIES: _, ...known } = PEM_VARS;
    const app = (name, vars) => of("ssr", name, vars, { bindings: known });
    const all = (table, start) => Object.entries(table).map(([name, [vars]]) => start(name, vars));
    system = await startDirect(
      [
        workerOf("durable"),
        workerOf("ingest"),
        of("consumer", "rolecall-consumer", "DEFAULT_ROLE = 5"),
        ...all(INGEST_CASES, (name, vars) => of("ingest", name, vars)),
        of("ingest", "small", "BODY_BYTES_MAX = 100"),
        ...all(CACHES, (name, vars) => of("durable", cacheOf(name), vars)),
        of("durable", "numbers", "ROLES_SOFT_MS = 5000, ROLES_HARD_MS = 10000"),
        ...all(APPS, app),
        app("list", `AUTHORIZED_PARTIES = ["${PARTY}"], ROLES_ISOLATE_MS = 5000`),
      ],
      {
        caches: {
          ...Object.fromEntries(Object.keys(CACHES).map((name) => [name, cacheOf(name)])),
          NUMBERS: "numbers",
        },
      },
    );
  });
  after(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true });
  });

  const lines = (part) => system.logs().split("\n").filter((line) => line.includes(part));

  it("disable ingest if they are not strings, and each isolate logs it once", async () => {
    for (const [name, [, sentence]] of Object.entries(INGEST_CASES)) {
      const ingest = await system.worker(name);
      const event = clerk.user(clerk.newId("user"), { first_name: CANARY });
      for (let time = 0; time < 5; time += 1) {
        const answer = await deliver(ingest, event);
        assert.equal(answer.status, 500, name);
        assert.ok(!answer.text.includes(CANARY), name);
      }
      const health = await send(ingest, {}, "/healthz");
      assert.equal(health.status, 503, name);
      const { status, mistakes } = JSON.parse(health.text);
      assert.deepEqual([status, mistakes.length], ["misconfigured", 1], name);
      assert.ok(mistakes[0].startsWith(sentence) && !health.text.includes(CANARY), health.text);
      await waitFor(`${name} is logged`, () => 0 < lines(sentence).length);
    }
    const sentences = new Set(Object.values(INGEST_CASES).map(([, sentence]) => sentence));
    for (const sentence of sentences) {
      const cases = Object.values(INGEST_CASES).filter(([, other]) => other === sentence).length;
      assert.equal(lines(sentence).length, cases, sentence);
    }
    assert.ok(!system.logs().includes(CANARY));
  });

  it("may be numbers", async () => {
    const small = await system.worker("small");
    const body = (size) => JSON.stringify({ type: "x.y" }).padEnd(size);
    assert.equal((await deliver(small, body(100))).status, 202);
    assert.equal((await deliver(small, body(101))).status, 413);
    const { status, body: answer } = await system.tell("NUMBERS", clerk.newId("user"), "ask");
    assert.equal(status, 200);
    assert.ok(0 < answer.good_for_ms && answer.good_for_ms <= 10_000, `${answer.good_for_ms}`);
  });

  it("disable a role cache if they are not numbers or contradict each other", async () => {
    for (const [name, [, sentence]] of Object.entries(CACHES)) {
      for (let time = 0; time < 3; time += 1) {
        const { status, body } = await system.tell(name, clerk.newId("user"), "ask");
        assert.deepEqual([status, body.reason], [503, "misconfigured"], name);
      }
      await waitFor(`${name} is logged`, () => 0 < lines(sentence).length);
      assert.equal(lines(sentence).length, 1, name);
    }
  });

  it("disable `ssr` if they are not strings, and each isolate logs it once", async () => {
    const headers = bearer(mint("user_2A"));
    for (const [name, [, sentence]] of Object.entries(APPS)) {
      const ask = async (where) => wire(await system.url(name), where, { headers });
      for (const where of ["/dashboard", "/api/me", "/admin", "/dashboard"]) {
        const answer = await ask(where);
        assert.equal(answer.status, 503, `${name} ${where}`);
        assert.ok(!answer.text.includes(CANARY), name);
      }
      const health = await ask("/healthz");
      assert.equal(health.status, 503, name);
      assert.ok(JSON.parse(health.text).mistakes[0].startsWith(sentence), health.text);
      assert.ok(!health.text.includes(CANARY), name);
    }
    const sentences = new Set(Object.values(APPS).map(([, sentence]) => sentence));
    for (const sentence of sentences) {
      const apps = Object.values(APPS).filter(([, other]) => other === sentence).length;
      await waitFor(`${sentence} is logged`, () => apps <= lines(sentence).length);
      assert.equal(lines(sentence).length, apps, sentence);
    }
    const list = await wire(await system.url("list"), "/api/me", { headers });
    assert.equal(list.status, 200, list.text);
    assert.equal((await wire(await system.url("list"), "/healthz")).status, 200);
  });

  it("do not stop the consumer, and the database keeps its default role", async () => {
    const kept = "SELECT value FROM settings WHERE key = 'default_role'";
    const before = await system.sql(kept);
    const user = clerk.newId("user");
    const answer = await deliver(await system.worker("rolecall-ingest"), clerk.user(user));
    assert.equal(answer.status, 202);
    const rows = () => system.sql("SELECT id FROM users WHERE id = ?1", user);
    await waitFor("the user is there", async () => (await rows()).length === 1);
    assert.deepEqual(await system.sql(kept), before);
    await waitFor("it is logged", () => 0 < lines("DEFAULT_ROLE is not a string").length);
  });
});
