// What Rolecall costs on Cloudflare: operations are counted in a run of the built Workers, and
// multiplied by the prices of `tools/bench/cost/prices.mjs`. `docs/cost.md` shows the result.

import { existsSync } from "node:fs";

import { breaking } from "../cost/breaking.mjs";
import { CANARIES, SIZES, usageOf } from "../cost/month.mjs";
import { PLAN_USD, bill, marginal, monthly } from "../cost/prices.mjs";
import { lines } from "../cost/report.mjs";
import { canaryOf, perOperation, scaled } from "../cost/usage.mjs";
import { bytes } from "./cost/bytes.mjs";
import { operations } from "./cost/operations.mjs";

/**
 * A million deliveries that change a watched user's roles, in batches of 100, in dollars: a fifth
 * above what was counted first, so that a change that makes them dearer is seen.
 */
const USD_MAX = 15;

const M = 1_000_000;

/** Memory as a folder: what is counted does not depend on a disk, and each object is a file. */
const MEMORY = "/dev/shm";

export const cost = {
  title: "a million deliveries that change a watched user's roles, in batches of 100",
  unit: "dollars",
  target: { text: `at most $${USD_MAX}`, holds: ({ ours }) => ours <= USD_MAX },
  async run(say) {
    if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
    const counted = await operations(say);
    const size = { ...(await bytes(say)), object: counted.fanOut.objectBytes };
    return result(counted, size);
  },
  lines,
};

/** Everything that follows from what was counted. */
export function result({ counts, fanOut }, size) {
  const per = usages(counts);
  const million = (usage) => bill(scaled(usage, M), marginal);
  const millions = Object.fromEntries(
    Object.entries(flat(per)).map(([name, usage]) => [name, million(usage)]),
  );
  const months = SIZES.map((users) => {
    const { lines: all, usd } = bill(usageOf(users, per, size), monthly);
    return { users, usd: usd + PLAN_USD, lines: all };
  });
  const canaryMonth = bill(scaled(per.canary, CANARIES), marginal).usd;
  const ends = breaking({ ...fanOut, bytes: size });
  const ours = millions.delivery_watched_100.usd;
  const figures = {
    ...Object.fromEntries(Object.entries(millions).map(([name, { usd }]) => [name, usd])),
    ...Object.fromEntries(months.map(({ users, usd }) => [`month_${users}`, usd])),
    canary_month: canaryMonth,
    ...ends,
  };
  const computed = { per, millions, months, canaryMonth, ends };
  return { ours, figures, detail: { counts, fanOut, bytes: size, ...computed } };
}

/** What one of each operation uses. */
export function usages(counts) {
  const one = ({ counted, n, cpu_ms }) => perOperation(counted, n, cpu_ms);
  const { sweep } = counts;
  const delivery = (whose) => ({
    one: one(counts[`delivery_${whose}_1`]),
    hundred: one(counts[`delivery_${whose}_100`]),
  });
  const watched = delivery("watched");
  const refresh = one(counts.guard_refresh);
  return {
    watched,
    unwatched: delivery("unwatched"),
    warm: one(counts.guard_warm),
    isolate: one(counts.guard_isolate),
    refresh,
    cold: one(counts.guard_cold),
    sweep: one(sweep),
    scrape: one(counts.scrape),
    flush: flushOf(counts),
    canary: canaryOf(watched.one, refresh),
  };
}

/**
 * One flush: the mean of those that happened meanwhile. A scrape only reads. Nothing if the Workers
 * have no Meter.
 */
function flushOf({ scrape, ...others }) {
  const sum = (key) => Object.values(others).reduce((all, { counted }) => all + counted[key], 0);
  const n = sum("meter_requests");
  if (n === 0) return {};
  const zeros = Object.fromEntries(Object.keys(scrape.counted).map((key) => [key, 0]));
  const [meter_read, meter_written] = [sum("meter_read"), sum("meter_written")];
  return perOperation({ ...zeros, meter_requests: n, meter_read, meter_written }, n, 0);
}

function flat({ watched, unwatched, warm, isolate, refresh, cold, sweep, scrape, flush, canary }) {
  return {
    delivery_watched_100: watched.hundred,
    delivery_watched_1: watched.one,
    delivery_unwatched_100: unwatched.hundred,
    delivery_unwatched_1: unwatched.one,
    guard_isolate: isolate,
    guard_warm: warm,
    guard_refresh: refresh,
    guard_cold: cold,
    sweep,
    scrape,
    flush,
    canary,
  };
}
