// The whole system in one Miniflare: every Worker of the root wrangler.toml, as deployed, with its
// state on disk. The bindings are read only from wrangler.toml.
//
// These are options of Miniflare 4. Wrangler includes Miniflare 5, whose dev proxy adds a
// millisecond per request and is not used here.

import { createPublicKey } from "node:crypto";
import { createWriteStream, mkdirSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";

import { Log, LogLevel, Miniflare } from "miniflare";
import wrangler from "wrangler";

/** Only this machine can reach the system. */
const HOST = "127.0.0.1";

/** worker-build's output: one ES module that imports one compiled wasm module. */
const MODULE_RULES = [
  { type: "CompiledWasm", include: ["**/*.wasm"], fallthrough: true },
  { type: "ESModule", include: ["**/*.js"], fallthrough: true },
];

/** Cloudflare runs crons at most once a minute; Miniflare does not run them by itself. */
const CRON_EVERY_MS = 60_000;

/**
 * Starts the Workers.
 *
 * @param {{
 *   root: string,
 *   state: string,
 *   workers: {env: string, port?: number, bindings?: Record<string, string>}[],
 *   example?: {folder: string, port: number, key: object, bindings: Record<string, string>},
 * }} options `root` has wrangler.toml; `state` is the folder for data and logs. Each Worker is an
 * environment of wrangler.toml. It listens if it has a port, and its `bindings` (variables and
 * secrets) override those of wrangler.toml. The example is a built app with its own wrangler.toml,
 * and gets the public `key` of the sessions.
 * @returns {Promise<{query: Function, runCrons: Function, deliver: Function, migrated: string[],
 *   dispose: () => Promise<void>}>}
 */
export async function start({ root, state, workers, example }) {
  mkdirSync(state, { recursive: true });
  const log = createWriteStream(path.join(state, "workers.log"), { flags: "a" });
  const specs = workers.map((worker) => readWorker(root, worker));
  if (example) specs.push(readExample(root, example));
  const miniflare = new Miniflare({
    cf: false,
    host: HOST,
    port: 0,
    defaultPersistRoot: path.join(state, "workers"),
    log: new QuietLog(log),
    handleStructuredLogs: ({ timestamp, level, message }) => {
      log.write(`${new Date(timestamp).toISOString()} ${level} ${message}\n`);
    },
    workers: specs.map((spec) => spec.options),
  });
  await miniflare.ready;
  const database = await openDatabase(miniflare, specs);
  const migrated = database ? await migrate(database, path.join(root, "migrations")) : [];
  const crons = setInterval(() => fireCrons(miniflare, specs, log), CRON_EVERY_MS);
  return {
    migrated,
    query: (sql, args) => query(database, sql, args),
    runCrons: () => fireCrons(miniflare, specs, log),
    deliver: (message) => deliver(miniflare, specs, message),
    dispose: async () => {
      clearInterval(crons);
      await miniflare.dispose();
      await new Promise((done) => log.end(done));
    },
  };
}

/** Writes Miniflare's own messages to the Workers' log. */
class QuietLog extends Log {
  #sink;

  constructor(sink) {
    super(LogLevel.INFO);
    this.#sink = sink;
  }

  log(message) {
    this.#sink.write(`${message}\n`);
  }
}

/** Converts one environment of wrangler.toml to options of Miniflare 4. */
function readWorker(root, { env, port, bindings }) {
  const config = path.join(root, "wrangler.toml");
  const { name } = wrangler.unstable_readConfig({ config, env }, { hideWarnings: true });
  const { workerOptions, main } = wrangler.unstable_getMiniflareWorkerOptions(config, env);
  return {
    env,
    name,
    databases: Object.keys(workerOptions.d1Databases ?? {}),
    crons: workerOptions.cronTriggers ?? [],
    queues: Object.keys(workerOptions.queueConsumers ?? {}),
    deadLetterQueues: Object.values(workerOptions.queueConsumers ?? {})
      .map(({ deadLetterQueue }) => deadLetterQueue)
      .filter(Boolean),
    options: {
      ...workerOptions,
      name,
      modules: true,
      scriptPath: main,
      modulesRoot: path.dirname(main),
      modulesRules: MODULE_RULES,
      bindings: { ...workerOptions.bindings, ...bindings },
      unsafeDirectSockets: port == null ? undefined : [{ host: HOST, port }],
    },
  };
}

/** The example, bundled by Vite into one module, and its assets. */
function readExample(root, { folder, port, key, bindings }) {
  const config = path.join(root, folder, "wrangler.toml");
  const { name } = wrangler.unstable_readConfig({ config }, { hideWarnings: true });
  const { workerOptions, main } = wrangler.unstable_getMiniflareWorkerOptions(config);
  const pem = createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
  return {
    env: name,
    name,
    databases: [],
    crons: [],
    queues: [],
    deadLetterQueues: [],
    options: {
      ...workerOptions,
      name,
      modules: [{ type: "ESModule", path: main }],
      modulesRoot: path.dirname(main),
      bindings: { ...workerOptions.bindings, ...bindings, CLERK_JWT_KEY: pem },
      unsafeDirectSockets: [{ host: HOST, port }],
    },
  };
}

/** The D1 database, through any Worker that is bound to it. */
async function openDatabase(miniflare, specs) {
  const spec = specs.find(({ databases }) => databases.includes("DB"));
  return spec && miniflare.getD1Database("DB", spec.name);
}

async function query(database, sql, args = []) {
  if (!database) throw new Error("no Worker that runs is bound to the database");
  return (await database.prepare(sql).bind(...args).all()).results;
}

/**
 * Applies the new files of `folder` in the order of their names. Each file is one batch, so it is
 * applied completely or not at all. Statements are split and recorded as `wrangler d1 migrations
 * apply` does it, so that a database can be used with both.
 */
async function migrate(database, folder) {
  await database
    .prepare(
      `CREATE TABLE IF NOT EXISTS "d1_migrations"(id INTEGER PRIMARY KEY AUTOINCREMENT,
       name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`,
    )
    .run();
  const { results } = await database.prepare(`SELECT name FROM "d1_migrations"`).all();
  const applied = new Set(results.map(({ name }) => name));
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql")).sort();
  const fresh = names.filter((name) => !applied.has(name));
  for (const name of fresh) {
    const sql = readFileSync(path.join(folder, name), "utf8");
    const parts = wrangler.unstable_splitSqlQuery(sql).map((part) => database.prepare(part));
    const record = database.prepare(`INSERT INTO "d1_migrations" (name) VALUES (?)`).bind(name);
    try {
      await database.batch([...parts, record]);
    } catch (cause) {
      throw new Error(`migrations/${name} was refused: ${cause.message}`, { cause });
    }
  }
  return fresh;
}

/** Gives the consumer of the dead-letter queue a message, with the number of its attempt there. */
async function deliver(miniflare, specs, { id, attempts, body }) {
  const dead = specs.flatMap(({ deadLetterQueues }) => deadLetterQueues);
  const spec = specs.find(({ queues }) => queues.some((queue) => dead.includes(queue)));
  if (!spec) throw new Error("no Worker that runs reads a dead-letter queue");
  const queue = spec.queues.find((name) => dead.includes(name));
  const worker = await miniflare.getWorker(spec.name);
  const { outcome } = await worker.queue(queue, [{ id, attempts, body, timestamp: new Date() }]);
  if (outcome !== "ok") throw new Error(`${spec.name} did not take the message: ${outcome}`);
}

/** Runs each Worker's crons once. Errors are in its log; the next minute tries again. */
async function fireCrons(miniflare, specs, log) {
  for (const { name, crons } of specs) {
    for (const cron of crons) {
      try {
        const worker = await miniflare.getWorker(name);
        await worker.scheduled({ cron, scheduledTime: new Date() });
      } catch (cause) {
        log.write(`cron ${cron} of ${name} failed: ${cause.message}\n`);
      }
    }
  }
}
