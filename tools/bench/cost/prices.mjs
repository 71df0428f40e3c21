// What Cloudflare asks for, on the paid plan of Workers: every price that the sums use, in one
// table, with the page that says it and the day on which it was read.

/**
 * A price.
 *
 * @typedef {object} Price
 * @property {string} name for people
 * @property {string} unit what one of `per` is
 * @property {number} usd dollars for each `per` units beyond `included`
 * @property {number} per units
 * @property {number} included units a month without a charge
 * @property {string} page
 * @property {string} read the day, as YYYY-MM-DD
 */

const WORKERS = "https://developers.cloudflare.com/workers/platform/pricing/";
const QUEUES = "https://developers.cloudflare.com/queues/platform/pricing/";
const D1 = "https://developers.cloudflare.com/d1/platform/pricing/";
const OBJECTS = "https://developers.cloudflare.com/durable-objects/platform/pricing/";
const ANALYTICS = "https://developers.cloudflare.com/analytics/analytics-engine/pricing/";

const READ = "2026-11-29";

/** @type {(...all: [string, string, number, number, number, string]) => Price} */
const price = (name, unit, usd, per, included, page) => {
  return { name, unit, usd, per, included, page, read: READ };
};

const M = 1_000_000;

/**
 * By the name of what is used.
 *
 * @type {Readonly<Record<string, Price>>}
 */
export const PRICES = Object.freeze({
  requests: price("Worker requests", "requests", 0.3, M, 10 * M, WORKERS),
  cpu_ms: price("Worker CPU", "ms", 0.02, M, 30 * M, WORKERS),
  queue_operations: price("Queue operations", "operations", 0.4, M, M, QUEUES),
  d1_read: price("D1 rows read", "rows", 0.001, M, 25_000 * M, D1),
  d1_written: price("D1 rows written", "rows", 1, M, 50 * M, D1),
  d1_gb: price("D1 storage", "GB-month", 0.75, 1, 5, D1),
  object_requests: price("Object requests", "requests", 0.15, M, M, OBJECTS),
  object_gbs: price("Object duration", "GB-s", 12.5, M, 400_000, OBJECTS),
  object_read: price("Object rows read", "rows", 0.001, M, 25_000 * M, OBJECTS),
  object_written: price("Object rows written", "rows", 1, M, 50 * M, OBJECTS),
  object_gb: price("Object storage", "GB-month", 0.2, 1, 5, OBJECTS),
  log_gb: price("Workers Logs, taken in", "GB", 0.25, 1, 50, WORKERS),
  log_gb_month: price("Workers Logs, kept", "GB-month", 0.1, 1, 12, WORKERS),
  points: price("Analytics Engine points", "points", 0.25, M, 10 * M, ANALYTICS),
});

/** The plan itself, dollars a month. */
export const PLAN_USD = 5;

/** @type {(price: Price, units: number) => number} what `units` beyond the included ones cost */
export const marginal = ({ usd, per }, units) => (usd * units) / per;

/** @type {(price: Price, units: number) => number} what `units` in a month cost */
export const monthly = (it, units) => marginal(it, Math.max(0, units - it.included));

/**
 * The bill of what was used: one line for each price.
 *
 * @param {Record<string, number>} usage
 * @param {(price: Price, units: number) => number} how
 */
export function bill(usage, how) {
  const unknown = Object.keys(usage).find((key) => !(key in PRICES));
  if (unknown !== undefined) throw new Error(`no price for ${unknown}: add it to PRICES`);
  const lines = Object.entries(PRICES).map(([key, it]) => {
    const units = usage[key] ?? 0;
    return { key, name: it.name, units, included: it.included, usd: how(it, units) };
  });
  return { lines, usd: lines.reduce((sum, { usd }) => sum + usd, 0) };
}
