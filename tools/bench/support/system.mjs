// Ours, the peer and the floor in one workerd, on Miniflare itself: wrangler's dev proxy adds a
// millisecond per request and hides all differences. Each Worker has its own socket.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Log, LogLevel, Miniflare } from "miniflare";

import { SECRET } from "../../../tests/workerd/support/delivery.mjs";
import { migrate, withoutLostMeter, workerOf } from "../../../tests/workerd/support/direct.mjs";
import { PARTY, PEM_VARS, claimsOf, mint } from "../../../tests/workerd/support/sessions.mjs";

const at = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** A socket on the loopback interface. */
const LISTENS = { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] };

const DATE = "2026-04-01";

/** Ours, as in wrangler.toml. */
export const ours = {
  ssr: (bindings = {}) => workerOf("ssr", { bindings: { ...PEM_VARS, ...bindings } }),
  durable: (change) => workerOf("durable", change),
  ingest: (change) => workerOf("ingest", change),
  consumer: (change) => workerOf("consumer", change),
  console: (change) => workerOf("console", change),
};

/** The tutorial's own way, with its own database. */
export function peer() {
  return {
    name: "peer",
    modules: [{ type: "ESModule", path: at("build/peer.js") }],
    modulesRoot: at("build"),
    compatibilityDate: DATE,
    d1Databases: { DB: "peer" },
    bindings: {
      CLERK_JWT_KEY: PEM_VARS.CLERK_JWT_KEY,
      CLERK_WEBHOOK_SECRET: SECRET,
      AUTHORIZED_PARTIES: PARTY,
    },
    ...LISTENS,
  };
}

/** Returns a Worker of `tools/bench/workers`. */
export function extra(name, options = {}) {
  const scriptPath = at(`workers/${name}.mjs`);
  return { name, modules: true, scriptPath, compatibilityDate: DATE, ...options };
}

export const floor = () => extra("floor", LISTENS);

/** The steps of a first check, without decisions. */
export const bare = () =>
  extra("bare", {
    d1Databases: { DB: "rolecall" },
    durableObjects: { BARE: { className: "Bare", useSQLite: true } },
    ...LISTENS,
  });

/** The benchmark's own access: the database, and the sending end of the queue. */
const HANDS = extra("hands", {
  d1Databases: { DB: "rolecall" },
  queueProducers: { EVENTS: { queueName: "rolecall-events" } },
  ...LISTENS,
});

/**
 * Starts the Workers on empty databases, without their logs.
 *
 * @returns {Promise<{url: Function, worker: Function, db: object, peerDb: object | null,
 *   stop: Function}>}
 */
export async function start(workers) {
  const all = [...workers, HANDS];
  const miniflare = new Miniflare({
    cf: false,
    host: "127.0.0.1",
    port: 0,
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: (out, err) => {
      out.resume();
      err.resume();
    },
    workers: withoutLostMeter(all),
  });
  try {
    await miniflare.ready;
    const db = await miniflare.getD1Database("DB", "hands");
    await migrate(db);
    const hasPeer = all.some(({ name }) => name === "peer");
    const peerDb = hasPeer ? await miniflare.getD1Database("DB", "peer") : null;
    if (peerDb) await schema(peerDb);
    return {
      url: (name) => miniflare.unsafeGetDirectURL(name),
      worker: (name) => miniflare.getWorker(name),
      db,
      peerDb,
      stop: () => miniflare.dispose(),
    };
  } catch (cause) {
    await miniflare.dispose();
    throw cause;
  }
}

async function schema(db) {
  const text = readFileSync(at("peer/schema.sql"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("--"));
  await db.batch(lines.map((line) => db.prepare(line)));
  await db.prepare("insert into roles (name) values ('member'), ('admin')").run();
}

/** Returns `i` as a user id of the same length as Clerk's. */
export const userId = (i) => `user_2${String(i).padStart(26, "0")}`;

const ROWS = "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)";
const ID = "'user_2' || printf('%026d', i)";

/** Rows written by one statement: D1 limits a statement to half a minute. */
const CHUNK = 50_000;

/** Writes users `from` to `to - 1` with the app roles of their events, into both databases. */
export async function seed({ db, peerDb }, from, to) {
  await db.prepare("INSERT INTO roles (name) VALUES ('admin') ON CONFLICT DO NOTHING").run();
  for (let at = from; at < to; at += CHUNK) {
    const range = [at, Math.min(at + CHUNK, to)];
    const users = `INSERT INTO users
      (id, email, app_roles, created_at, deleted, updated_at, event_at, projection, digest)
      ${ROWS} SELECT ${ID}, 'person' || i || '@example.com', '["admin","editor"]',
      1, 0, 1, 1, 1, '' FROM n`;
    await db.prepare(users).bind(...range).run();
    if (!peerDb) continue;
    const roles = `INSERT INTO user_roles (user_id, role_id) ${ROWS} SELECT ${ID}, 2 FROM n`;
    await peerDb.prepare(roles).bind(...range).run();
  }
}

/** A Worker whose metrics are off. */
export function withoutMeter(worker) {
  const { METER, ...durableObjects } = worker.durableObjects;
  return { ...worker, durableObjects };
}

/** Makes a check of one user's role with a session that is valid longer than the benchmark runs. */
export function checkOf(user) {
  const exp = claimsOf(user).iat + 7_200;
  const authorization = `Bearer ${mint(user, { claims: { exp } })}`;
  return { path: "/api/check?role=admin", headers: { authorization } };
}
