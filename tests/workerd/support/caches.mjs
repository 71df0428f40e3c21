// Role caches with several settings and a database that the test controls, each with a guard, and
// the consumer that sends them hints. On Miniflare, where the test can delay the database.

import assert from "node:assert/strict";

import * as clerk from "./clerk.mjs";
import { controlledDatabase, sinkOf, startDirect, workerOf } from "./direct.mjs";
import { PEM_VARS, bearer, mint } from "./sessions.mjs";
import { waitFor } from "./wait.mjs";

/** `ROLES` has the ages of wrangler.toml, `SHORT` has short ones, `IDLE` ends its watches soon. */
const CACHES = { ROLES: "rolecall-durable", SHORT: "short-lived", IDLE: "idle" };

export const IDLE_MS = 1_500;
export const HARD_MS = 1_500;
export const ISOLATE_MS = 2_000;

const LOST = "D1_ERROR: Network connection lost.";

export async function startCaches() {
  const database = controlledDatabase();
  const sealed = [];
  const system = await startDirect(workers(database, sealed), { caches: CACHES });
  await system.sql("INSERT INTO roles (name) VALUES ('admin'), ('editor')");
  return new Caches(system, database, sealed);
}

function workers(database, sealed) {
  const durable = (name, bindings) =>
    workerOf("durable", {
      name,
      bindings,
      d1Databases: undefined,
      wrappedBindings: { DB: "controlled-database" },
    });
  const ssr = (name, bindings, change = {}) =>
    workerOf("ssr", { name, bindings: { ...PEM_VARS, ...bindings }, ...change });
  const consumer = (name, bindings, change = {}) =>
    workerOf("consumer", { name, bindings, queueConsumers: undefined, ...change });
  const short = { ROLES: { className: "RoleCache", scriptName: CACHES.SHORT } };
  return [
    ssr("rolecall-ssr"),
    ssr("short-ssr", {}, { durableObjects: short }),
    ssr("holding-ssr", { ROLES_ISOLATE_MS: String(ISOLATE_MS) }),
    ssr("short-holding-ssr", { ROLES_ISOLATE_MS: String(ISOLATE_MS) }, { durableObjects: short }),
    durable(CACHES.ROLES),
    durable(CACHES.SHORT, { ROLES_SOFT_MS: "500", ROLES_HARD_MS: String(HARD_MS) }),
    durable(CACHES.IDLE, { ROLES_IDLE_MS: String(IDLE_MS) }),
    consumer("rolecall-consumer"),
    consumer("dies-early", {}, { durableObjects: undefined }),
    consumer("guests", { DEFAULT_ROLE: "guest" }),
    consumer("no-default", { DEFAULT_ROLE: "" }),
    workerOf("ingest", { queueProducers: { EVENTS: { queueName: "sealed" } } }),
    sinkOf(sealed, "sealed"),
    database.worker,
  ];
}

class Caches {
  constructor(system, database, sealed) {
    this.system = system;
    this.database = database;
    this.sealed = sealed;
  }

  stop() {
    this.release();
    return this.system.stop();
  }

  /** Commits a change as other writers do, without a hint. */
  write(user, { roles = [], deleted = 0 }) {
    return this.system.sql(
      `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
       VALUES (?1, ?2, ?3, 1, 1, 1, '')
       ON CONFLICT (id) DO UPDATE SET app_roles = ?2, deleted = ?3`,
      user,
      JSON.stringify(roles),
      deleted,
    );
  }

  async newUser(roles = []) {
    const user = clerk.newId("user");
    await this.write(user, { roles });
    return user;
  }

  async watch(user) {
    return (await this.system.sql("SELECT * FROM watches WHERE user_id = ?1", user))[0];
  }

  /** Queries the role cache, and returns any answer. */
  queryRaw(user, more = {}, binding = "ROLES") {
    return this.system.tell(binding, user, "ask", more);
  }

  /** Queries the role cache, and expects roles. */
  async ask(user, more = {}, binding = "ROLES") {
    const { status, body } = await this.queryRaw(user, more, binding);
    assert.equal(status, 200, JSON.stringify(body));
    return { ...body, roles: body.set.roles, version: body.set.version };
  }

  async hint(user, owner, version, binding = "ROLES") {
    return (await this.system.tell(binding, user, "hint", { owner, version })).body;
  }

  /** Requests a guarded page. */
  async guard(user, { name = "rolecall-ssr", where = "/admin" } = {}) {
    const ssr = await this.system.worker(name);
    const request = { headers: bearer(mint(user)), redirect: "manual" };
    const response = await ssr.fetch(`https://app.example.com${where}`, request);
    return { status: response.status, text: await response.text() };
  }

  async sweep(consumer = "rolecall-consumer") {
    const { outcome } = await (await this.system.worker(consumer)).scheduled({ cron: "* * * * *" });
    assert.equal(outcome, "ok");
  }

  /** Delays every batch until `open`; `reached` waits until one batch has arrived. */
  delayBatches(moment, isIt = () => true) {
    let open;
    const opened = new Promise((done) => (open = done));
    let count = 0;
    this.database.gate = async (when, texts) => {
      if (when !== moment || !isIt(texts)) return;
      count += 1;
      await opened;
    };
    return { open, reached: () => waitFor("the database is asked", () => 0 < count) };
  }

  /** Lets every batch fail before it is sent. */
  failBatches() {
    this.database.gate = (when) => (when === "before" ? LOST : undefined);
  }

  release() {
    this.database.gate = () => undefined;
  }
}
