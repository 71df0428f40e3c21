// Runs each operation many times on Workers that count, and returns the sums.

import { setTimeout as pause } from "node:timers/promises";

import { counted, counts } from "../../support/counted.mjs";
import { workerdCpuMs } from "../../support/cpu.mjs";
import { delivery, updated } from "../../support/events.mjs";
import { perSecond, sendAll, stopwatch } from "../../support/load.mjs";
import { checkOf, ours, seed, start, userId } from "../../support/system.mjs";

/** Users with a role cache: more than one sweep hints. */
const WATCHED = 1_100;

/** Deliveries in batches of 100 and of 1, sweeps, scrapes, checks. */
const N = { hundred: 300, one: 60, sweep: 20, scrape: 20, refresh: 100, warm_s: 2 };

/** The whole is the longest wait for a batch that is not full: so every batch is. */
const NEVER_S = 60;

const SCRAPER = "a-token-for-the-benchmark-alone-0123456789";
const ISOLATE = { ROLES_ISOLATE_MS: "10000" };

/** Every role set is older than this at the next check, and none is too old. */
const ALWAYS_OLD = { ROLES_SOFT_MS: "1", ROLES_HARD_MS: "60000" };

/** The most messages of a batch. */
const BATCH = 100;

/** Looks for the answers of hints. */
const LOOKS = 250;

const QUEUE = "rolecall-events";

/**
 * @param {(text: string) => void} say
 * @returns {Promise<{counts: Record<string, {n: number, counted: object, cpu_ms: number}>,
 *   fanOut: object}>}
 */
export async function operations(say) {
  const all = {};
  const fanOut = {};
  await inSystem(BATCH, async (run) => {
    all.guard_cold = await run("cold fills", WATCHED, () => checks(run, WATCHED));
    fanOut.objectBytes = all.guard_cold.counted.object_bytes;
    all.guard_warm = await run("warm checks", null, () => load(run, "rolecall-ssr"));
    all.guard_isolate = await run("checks, isolate cache on", null, () => load(run, "ssr-isolate"));
    const watched = () => deliver(run, 0, N.hundred);
    all.delivery_watched_100 = await run("deliveries, watched", N.hundred, watched);
    const others = () => deliver(run, WATCHED, N.hundred);
    all.delivery_unwatched_100 = await run("deliveries, not watched", N.hundred, others);
    all.sweep = await run("sweeps", N.sweep, () => sweeps(run, N.sweep));
    all.scrape = await run("scrapes", N.scrape, () => scrapes(run));
    Object.assign(fanOut, await fan(run));
  });
  await inSystem(1, async (run) => {
    await run("cold fills", N.one, () => checks(run, N.one));
    all.delivery_watched_1 = await run("deliveries one by one, watched", N.one, () =>
      deliver(run, 0, N.one),
    );
    all.delivery_unwatched_1 = await run("deliveries one by one, not watched", N.one, () =>
      deliver(run, WATCHED, N.one),
    );
  });
  await inSystem(BATCH, async (run) => {
    await run("cold fills", N.refresh, () => checks(run, N.refresh));
    const found = await run("checks of old roles", N.refresh, () => checks(run, N.refresh));
    const { n, counted: sums } = found;
    if (sums.d1_calls < n / 2) throw new Error(`${sums.d1_calls} reads for ${n} old role sets`);
    all.guard_refresh = found;
    fanOut.queriesPerRefresh = sums.d1_calls / n;
  }, ALWAYS_OLD);
  return { counts: all, fanOut };

  async function inSystem(batch, work, durable = {}) {
    const workers = workersOf(batch, durable);
    const names = workers.map(({ name }) => name);
    const system = await start(workers.map(counted));
    const run = async (what, n, act) => {
      say(what);
      await settle(system);
      await counts(system, names);
      const before = workerdCpuMs();
      await act();
      const cpu_ms = (workerdCpuMs() ?? 0) - (before ?? 0);
      const sums = await counts(system, names);
      return { n: n ?? sums.requests, counted: sums, cpu_ms };
    };
    try {
      await seed(system, 0, WATCHED + N.hundred);
      // So each delivery about one of the watched changes roles: it brings a role that is known.
      await system.db.prepare("INSERT INTO roles (name) VALUES ('editor')").run();
      const poorer = "UPDATE users SET app_roles = '[\"admin\"]' WHERE id < ?1";
      await system.db.prepare(poorer).bind(userId(WATCHED)).run();
      await work(Object.assign(run, { system, counts: () => counts(system, names) }));
    } finally {
      await system.stop();
    }
  }
}

function workersOf(batch, durable) {
  const consumer = {
    maxBatchSize: batch,
    maxBatchTimeout: batch === 1 ? 0 : NEVER_S,
    maxRetries: 8,
  };
  return [
    ours.ingest(),
    ours.consumer({ queueConsumers: { [QUEUE]: consumer } }),
    ours.durable({ bindings: durable }),
    ours.ssr(),
    { ...ours.ssr(ISOLATE), name: "ssr-isolate" },
    ours.console({ bindings: { METRICS_TOKEN: SCRAPER } }),
  ];
}

/** One check of each of the first users. */
async function checks({ system }, n) {
  const watch = stopwatch(await system.url("rolecall-ssr"));
  for (let i = 0; i < n; i += 1) await watch.time(checkOf(userId(i)));
  watch.close();
}

/** Checks at full speed of users whose roles are young. */
async function load({ system }, name) {
  const users = 64;
  const requests = Array.from({ length: users }, (_, i) => checkOf(userId(i)));
  const url = await system.url(name);
  await perSecond(url, requests, N.warm_s);
}

/** Deliveries through the door and the queue until D1 has the last one. */
async function deliver({ system }, from, n) {
  const url = await system.url("rolecall-ingest");
  const before = await rows(system);
  for (let at = 0; at < n; at += BATCH) {
    const last = Math.min(at + BATCH, n);
    const users = Array.from({ length: last - at }, (_, i) => userId(from + at + i));
    await sendAll(url, users.map((user) => delivery(updated(user))));
    while ((await rows(system)) < before + last) await pause(20);
    // The hints follow the commit. On a busy machine some time out: then only a sweep sends them.
    for (let i = 0; i < LOOKS && 0 < (await pending(system)); i += 1) await pause(20);
  }
}

/** Looks until it is answered: Miniflare's connection may end while it is idle. */
async function count({ db }, sql, tries = 3) {
  try {
    return (await db.prepare(sql).first()).n;
  } catch (cause) {
    if (tries === 0) throw cause;
    return count({ db }, sql, tries - 1);
  }
}

const rows = (system) => count(system, "SELECT count(*) AS n FROM deliveries");
const pending = (system) =>
  count(system, "SELECT count(*) AS n FROM watches WHERE acked < version");

/** Watches that have not seen the last change for all users. */
const BEHIND = `SELECT count(*) AS n FROM watches w JOIN everyone e
  WHERE w.everyone_version < e.version`;

/**
 * Sweeps until nothing is left of what was before: the default role, which the first sweep writes
 * and which concerns everyone, and hints that timed out on a busy machine.
 */
async function settle(system) {
  do await sweeps({ system }, 1);
  while (0 < (await pending(system)) + (await count(system, BEHIND)));
}

async function sweeps({ system }, n) {
  const consumer = await system.worker("rolecall-consumer");
  for (let i = 0; i < n; i += 1) await consumer.scheduled({ cron: "* * * * *" });
}

async function scrapes({ system }) {
  const url = new URL("/metrics", await system.url("rolecall-console"));
  for (let i = 0; i < N.scrape; i += 1) {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${SCRAPER}` } });
    if (answer.status !== 200) throw new Error(`/metrics: ${answer.status} ${await answer.text()}`);
    await answer.text();
  }
}

/** One sweep with more pending hints than it may send. */
async function fan(run) {
  let sweepMs = 0;
  const { counted: sums } = await run("a fan-out", 1, async () => {
    await run.system.db.prepare("UPDATE watches SET version = version + 1").run();
    const began = performance.now();
    await sweeps(run, 1);
    sweepMs = performance.now() - began;
  });
  const hintsPerSweep = WATCHED - (await pending(run.system));
  // What an object reads is of its own invocation.
  const { object_requests, meter_requests, d1_calls, object_d1_calls } = sums;
  const subrequests = object_requests + meter_requests + d1_calls - object_d1_calls;
  return { hintsPerSweep, sweepMs, subrequestsPerHint: subrequests / hintsPerSweep };
}
