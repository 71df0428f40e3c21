// The whole system on workerd, started by wrangler's test harness: the Workers that `cargo xtask
// build` made, with the bindings of wrangler.toml, and an empty migrated database.

import path from "node:path";
import { fileURLToPath } from "node:url";

import { createTestHarness } from "wrangler";

import { SECRET } from "./delivery.mjs";
import { checkLog } from "./log-lines.mjs";
import { PEM_VARS, bearer, mint } from "./sessions.mjs";
import { waitFor } from "./wait.mjs";

// No test uses the internet.
process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= "false";
process.env.WRANGLER_SEND_METRICS ??= "false";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const DEFAULTS = {
  ingest: { secrets: { CLERK_WEBHOOK_SECRET: SECRET } },
  consumer: {},
  durable: {},
  ssr: { vars: PEM_VARS },
  console: {},
};

/** stand-ins/probe.mjs. The harness's own binding proxies block each other under load. */
const PROBE = {
  config: {
    name: "rolecall-probe",
    main: "tests/workerd/stand-ins/probe.mjs",
    compatibility_date: "2026-04-01",
    d1_databases: [{ binding: "DB", database_name: "rolecall", database_id: "rolecall" }],
    queues: { producers: [{ binding: "EVENTS", queue: "rolecall-events" }] },
    durable_objects: {
      bindings: [
        { name: "ROLES", class_name: "RoleCache", script_name: "rolecall-durable" },
        { name: "METER", class_name: "Meter", script_name: "rolecall-durable" },
      ],
    },
  },
};

/**
 * Starts Workers. Each is an environment of wrangler.toml, with its own `vars` and `secrets` over
 * the test's defaults; `true` means only the defaults. `url` is the URL of the first one.
 * `{config}` in place of a Worker is a stand-in, with wrangler's inline configuration.
 *
 * @param {Record<string, true | {vars?: object, secrets?: object} | {config: object}>} wanted
 */
export async function start(wanted = { ssr: true, ingest: true, consumer: true, durable: true }) {
  const all = { ...wanted, probe: PROBE };
  const workers = Object.entries(all).map(([env, how]) => worker(env, how));
  const server = createTestHarness({ root: ROOT, workers });
  try {
    const { url } = await server.listen();
    const handles = Object.keys(all).map((env) => [env, server.getWorker(`rolecall-${env}`)]);
    if (wanted.consumer) await server.getWorker("rolecall-consumer").applyD1Migrations("DB");
    const secrets = workers.flatMap((it) => Object.values(it.secrets ?? {}));
    return new System(server, url, Object.fromEntries(handles), secrets);
  } catch (cause) {
    await server.close();
    throw cause;
  }
}

function worker(env, how) {
  if (how.config) return how;
  const { vars, secrets } = how === true ? {} : how;
  const defaults = DEFAULTS[env];
  return {
    configPath: "wrangler.toml",
    env,
    // Without it the harness would run the build command and wrangler's bundler again.
    prebuiltWorkerDir: path.join(env, "build"),
    vars: { ...defaults.vars, ...vars },
    secrets: { ...defaults.secrets, ...secrets },
  };
}

/** A part of `start`: `stand-ins/NAME.mjs` in place of the Worker that has the objects. */
export function standInForDurable(name) {
  return {
    config: {
      name: "rolecall-durable",
      main: `tests/workerd/stand-ins/${name}.mjs`,
      compatibility_date: "2026-04-01",
      durable_objects: {
        bindings: [
          { name: "ROLES", class_name: "RoleCache" },
          { name: "METER", class_name: "Meter" },
        ],
      },
      migrations: [{ tag: "v1", new_sqlite_classes: ["RoleCache", "Meter"] }],
    },
  };
}

/** SQL that makes the database reject one user for its content. */
export function rejectUserSql(user) {
  const when = `BEFORE INSERT ON users WHEN NEW.id = '${user}'`;
  return `CREATE TRIGGER test_poison ${when} BEGIN SELECT RAISE(ABORT, 'poison'); END`;
}

/** Calls stand-ins/probe.mjs, and returns its value. */
export async function callProbe(probe, what, asked) {
  const request = { method: "POST", body: JSON.stringify(asked) };
  const response = await probe.fetch(`https://probe.example/${what}`, request);
  const { value, error } = await response.json();
  if (error) throw new Error(`${what}: ${error}`);
  return value;
}

class System {
  #server;
  #secrets;

  constructor(server, url, workers, secrets) {
    this.#server = server;
    this.#secrets = secrets.filter((secret) => typeof secret === "string");
    this.url = url;
    Object.assign(this, workers);
  }

  /** Stops it, and checks every line that it has logged. */
  async stop() {
    const messages = this.#server.getLogs().map(({ message }) => message);
    await this.#server.close();
    checkLog(messages, this.#secrets);
  }

  /** Runs SQL on the database, and returns its rows. */
  sql(text, ...args) {
    return this.#probe("sql", { text, args });
  }

  /** Returns the only row, or `undefined`. */
  async row(text, ...args) {
    return (await this.sql(text, ...args))[0];
  }

  /** Waits for the outcome of a delivery. */
  waitForOutcome({ id }) {
    const ask = () => this.row("SELECT * FROM deliveries WHERE svix_id = ?1", id);
    return waitFor(`delivery ${id} is settled`, ask);
  }

  /** Waits for the dead letter of a delivery. */
  waitForDeadLetter({ id }) {
    const ask = () => this.row("SELECT * FROM dead_letters WHERE svix_id = ?1", id);
    return waitFor(`delivery ${id} is parked`, ask);
  }

  watch(user) {
    return this.row("SELECT * FROM watches WHERE user_id = ?1", user);
  }

  /** Returns everything that the Workers have logged. */
  logs() {
    return this.#server.getLogs().map(({ message }) => message).join("\n");
  }

  /** Runs the consumer's cron. */
  sweep() {
    return this.consumer.scheduled({ cron: "* * * * *", scheduledTime: new Date() });
  }

  /** Evicts a role cache from memory, as the platform may do at any time. */
  evict(user) {
    return this.durable.evictDurableObject("RoleCache", { name: user });
  }

  /** Queries a user's role cache as a guard does. */
  ask(user, more = {}) {
    return this.#tell(user, "ask", { user_id: user, ...more });
  }

  /** Sends a hint to a user's role cache as the consumer does. */
  hint(user, { owner, version }) {
    return this.#tell(user, "hint", { user_id: user, owner, version });
  }

  #tell(user, what, body) {
    return this.#probe("tell", { user, what, body });
  }

  /** Puts a message on `rolecall-events` without ingest. */
  enqueue(body, contentType = "text") {
    return this.#probe("send", { body, contentType });
  }

  #probe(what, asked) {
    return callProbe(this.probe, what, asked);
  }

  /** Sends a request to `ssr`, signed in as `user`; `null` sends no session. */
  async get(user, where, { headers = {}, ...init } = {}) {
    const session = user === null ? {} : bearer(mint(user));
    const url = `https://app.example.com${where}`;
    const all = { ...session, ...headers };
    const response = await this.ssr.fetch(url, { redirect: "manual", headers: all, ...init });
    const { status, headers: got } = response;
    return { status, headers: got, text: await response.text() };
  }

  /** `GET /api/check`, parsed. */
  async check(user, query) {
    const { status, text } = await this.get(user, `/api/check?${query}`);
    return { status, ...JSON.parse(text) };
  }

  /** `GET /api/me`, parsed. */
  async me(user) {
    const { status, text } = await this.get(user, "/api/me");
    return { status, ...JSON.parse(text) };
  }

  /** Waits until a page has this status for its user. */
  waitForStatus(user, where, status) {
    const ask = async () => (await this.get(user, where)).status === status;
    return waitFor(`${where} answers ${user} with ${status}`, ask);
  }
}
