// Workers on Miniflare itself, for what wrangler's harness cannot do: dispatch a queue message with
// a number of attempts, bind ingest to a failing queue, run one Worker with several settings, and
// send requests without the harness's proxy. The bindings are read from wrangler.toml here too.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Log, LogLevel, Miniflare, Response } from "miniflare";
import wrangler from "wrangler";

import { SECRET } from "./delivery.mjs";
import { checkLog } from "./log-lines.mjs";
import { ROOT, callProbe } from "./system.mjs";

/** worker-build's output: one ES module that imports one compiled wasm module. */
const MODULE_RULES = [
  { type: "CompiledWasm", include: ["**/*.wasm"], fallthrough: true },
  { type: "ESModule", include: ["**/*.js"], fallthrough: true },
];

/**
 * Writes a copy of wrangler.toml to `folder`, in which one Worker has these `vars` (TOML lines).
 * They replace those on its own line, and those of its own table with the same names. Wrangler
 * parses the file, so the variables reach the Worker with their types.
 */
export function configWith(folder, name, env, vars) {
  const text = readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
  const blocks = text.replaceAll(/^main = "/gm, `main = "${ROOT}`).split(/^(?=\[env\.\w+\]$)/m);
  const changed = blocks.map((block) => {
    if (!block.startsWith(`[env.${env}]\n`)) return block;
    const table = /^\[env\.\w+\.vars\]\n((?:[^[\n].*\n)*)/m;
    const lines = block.match(table)?.[1].split("\n") ?? [];
    const kept = lines.filter((line) => /^\w+ = /.test(line) && !vars.includes(line.split(" ")[0]));
    const rest = block.replace(/^vars = .*\n/m, "").replace(table, "");
    return rest.replace("]\n", `]\nvars = { ${[vars, ...kept].join(", ")} }\n`);
  });
  const file = path.join(folder, `${name}.toml`);
  writeFileSync(file, changed.join(""));
  return file;
}

/**
 * Returns a Worker of wrangler.toml, or of a similar file, as options of Miniflare, with its own
 * socket.
 *
 * @param {string} env
 * @param {{name?: string, bindings?: object, config?: string}} change `bindings` are vars and secrets over those of
 *   wrangler.toml, `undefined` takes one away; anything else goes over Miniflare's options.
 */
export function workerOf(env, { name = `rolecall-${env}`, bindings = {}, config, ...change } = {}) {
  config ??= path.join(ROOT, "wrangler.toml");
  const { workerOptions, main } = wrangler.unstable_getMiniflareWorkerOptions(config, env);
  const all = { ...workerOptions.bindings, CLERK_WEBHOOK_SECRET: SECRET, ...bindings };
  const set = Object.entries(all).filter(([, value]) => value !== undefined);
  return {
    ...workerOptions,
    name,
    modules: true,
    scriptPath: main,
    modulesRoot: path.dirname(main),
    modulesRules: MODULE_RULES,
    bindings: Object.fromEntries(set),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    ...change,
  };
}

/** Returns Workers of a system, without bindings to a `Meter` that it does not have. */
export function withoutLostMeter(workers) {
  const names = new Set(workers.map(({ name }) => name));
  return workers.map(({ durableObjects = {}, ...worker }) => {
    const { METER, ...others } = durableObjects;
    const isLost = METER?.scriptName !== undefined && !names.has(METER.scriptName);
    return { ...worker, durableObjects: isLost ? others : durableObjects };
  });
}

/** Returns a Worker of `tests/workerd/stand-ins`. */
export function standIn(name, options = {}) {
  const scriptPath = fileURLToPath(new URL(`../stand-ins/${name}.mjs`, import.meta.url));
  return { name, modules: true, scriptPath, ...options };
}

/** Returns a consumer of a queue that pushes each message's body to `received`. */
export function sinkOf(received, queue = "rolecall-events") {
  const SINK = async (request) => {
    received.push((await request.json()).body);
    return new Response();
  };
  const queueConsumers = { [queue]: { maxBatchSize: 100, maxBatchTimeout: 0 } };
  const compatibilityDate = "2026-04-01";
  return standIn("sink", { compatibilityDate, queueConsumers, serviceBindings: { SINK } });
}

/**
 * A stand-in for the database of wrangler.toml, for `wrappedBindings`. `test.gate` is called before
 * and after each batch, with the texts and parameters of its statements; it may return the text of
 * an error. `test.batches` counts the batches.
 */
export function controlledDatabase(database = "rolecall") {
  const test = { batches: 0, gate: () => undefined };
  const TEST = async (request) => {
    const { moment, texts, parameters } = await request.json();
    if (moment === "before") test.batches += 1;
    return new Response((await test.gate(moment, texts, parameters)) ?? "");
  };
  const bindings = { d1Databases: { REAL: database }, serviceBindings: { TEST } };
  return Object.assign(test, { worker: standIn("controlled-database", bindings) });
}

/**
 * A stand-in for the role caches of wrangler.toml, for `wrappedBindings`. `test.trouble` is called
 * before each call, with `{stub, name, path}`. It may return an error as `{message, marks}`, or an
 * `{answer}` instead of the role cache's. `test.calls` are all calls.
 */
export const controlledRoleCaches = () => controlledObjects("controlled-role-caches", "RoleCache");

/** The same for `Meter`. */
export const controlledMeter = () => controlledObjects("controlled-meter", "Meter");

function controlledObjects(name, className) {
  const test = { calls: [], trouble: () => undefined };
  const TEST = async (request) => {
    const call = await request.json();
    test.calls.push(call);
    return Response.json((await test.trouble(call)) ?? null);
  };
  const REAL = { className, scriptName: "rolecall-durable" };
  const bindings = { durableObjects: { REAL }, serviceBindings: { TEST } };
  return Object.assign(test, { worker: standIn("controlled-objects", { name, ...bindings }) });
}

/** Returns the Worker `probe`; `caches` are the names of Workers with role caches, by binding. */
function probeOf(caches, database) {
  const objects = ([binding, scriptName]) => [binding, { className: "RoleCache", scriptName }];
  return standIn("probe", {
    compatibilityDate: "2026-04-01",
    d1Databases: { DB: database },
    durableObjects: {
      ...Object.fromEntries(Object.entries(caches).map(objects)),
      METER: { className: "Meter", scriptName: "rolecall-durable" },
    },
  });
}

/** The values of the Workers' secrets. */
function secretsOf(workers) {
  const all = workers.flatMap(({ bindings }) => Object.entries(bindings ?? {}));
  const isSecret = ([name, value]) => /SECRET|TOKEN/.test(name) && typeof value === "string";
  return all.filter(isSecret).map(([, value]) => value);
}

/**
 * Starts Workers, and migrates their database if necessary. `caches` are the Workers with role
 * caches; `folder` keeps their data; `database` is the id of their shared database.
 */
export async function startDirect(workers, options = {}) {
  const { caches = {}, folder, database = "rolecall" } = options;
  const lines = [];
  const miniflare = new Miniflare({
    cf: false,
    host: "127.0.0.1",
    port: 0,
    defaultPersistRoot: folder,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ message }) => void lines.push(message),
    workers: withoutLostMeter([...workers, probeOf(caches, database)]),
  });
  try {
    await miniflare.ready;
    await migrate(await miniflare.getD1Database("DB", "probe"));
    const probe = await miniflare.getWorker("probe");
    const ask = (what, asked) => callProbe(probe, what, asked);
    return {
      /** Returns the URL of a Worker's own socket. */
      url: (name) => miniflare.unsafeGetDirectURL(name),
      /** Returns a Worker with `fetch`, `queue` and `scheduled`. */
      worker: (name) => miniflare.getWorker(name),
      sql: (text, ...args) => ask("sql", { text, args }),
      /** Sends `ask` or `hint` to a user's role cache. */
      tell: (binding, user, what, body) =>
        ask("tell", { binding, user, what, body: { user_id: user, ...body } }),
      /** Sends it to a role cache that is addressed in another way than by the user's name. */
      tellBy: (by, user, what, body) =>
        ask("tell", { by, user, what, body: { user_id: user, ...body } }),
      /** Sends a flush to a shard of `Meter`, or gets what it knows. */
      meter: (shard, what, body) => ask("meter", { shard, what, body }),
      /** Sends a query many times at once, from inside. */
      crowd: (binding, user, times) =>
        ask("crowd", { binding, user, what: "ask", body: { user_id: user }, times }),
      /** Evicts a role cache from memory. */
      evict: (scriptName, user) =>
        miniflare.unsafeEvictDurableObject(scriptName, "RoleCache", { name: user }),
      /** Evicts a shard of `Meter`. */
      evictMeter: (shard) =>
        miniflare.unsafeEvictDurableObject("rolecall-durable", "Meter", { name: `meter-${shard}` }),
      logs: () => lines.join("\n"),
      /** Stops them, and checks every line that they have logged. */
      stop: async () => {
        await miniflare.dispose();
        checkLog(lines, secretsOf(workers));
      },
    };
  } catch (cause) {
    await miniflare.dispose();
    throw cause;
  }
}

/** Applies the migrations that are not applied yet. */
export async function migrate(database) {
  const known = "SELECT name FROM sqlite_master WHERE name = 'watches'";
  if (0 < (await database.prepare(known).all()).results.length) return;
  const folder = path.join(ROOT, "migrations");
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".sql")).sort()) {
    const text = readFileSync(path.join(folder, file), "utf8");
    const parts = wrangler.unstable_splitSqlQuery(text);
    await database.batch(parts.map((part) => database.prepare(part)));
  }
}
