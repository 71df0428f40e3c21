// A month of an app, from what one operation uses.

import { added, scaled } from "./usage.mjs";

export const SIZES = [1_000, 100_000, 10_000_000];

const DAYS = 30;
const SECONDS = DAYS * 86_400;

/** What a user of an app does, and what an app of this size runs. Change these for your own app. */
export const APP = Object.freeze({
  deliveries: { value: 2, text: "deliveries about a registered user" },
  changing: { value: 0.2, text: "share of deliveries that change the user's roles" },
  active: { value: 0.3, text: "share of users who are active in the month, and so watched" },
  visits: { value: 10, text: "visits of an active user" },
  checks: { value: 10, text: "guard checks in a visit, isolate cache off" },
  refreshes: { value: 5, text: "of these, checks that find roles older than 30 s" },
  cold: { value: 0.1, text: "share of active users who were not seen for 30 days: cold fills" },
  memberships: { value: 1.6, text: "memberships of a user" },
  kept_months: { value: 3, text: "months of rows of deliveries; nothing deletes them by itself" },
  scrape_s: { value: 60, text: "seconds between scrapes" },
  flush_s: { value: 15, text: "seconds between flushes of an isolate that is busy" },
  log_days: { value: 7, text: "days that Workers Logs keeps a line" },
});

/** Isolates that are busy all month, at each size: Cloudflare does not publish it. */
export const ISOLATES = new Map([[1_000, 2], [100_000, 10], [10_000_000, 200]]);

/** What a batch waits for more messages: `max_batch_timeout` of wrangler.toml. */
const BATCH_WAIT_S = 1;
const BATCH_MAX = 100;

/** How many messages a batch has on average if deliveries come evenly. */
export function batchOf(deliveriesPerMonth) {
  const rate = deliveriesPerMonth / SECONDS;
  return Math.min(BATCH_MAX, 1 + rate * BATCH_WAIT_S);
}

/**
 * The usage of a delivery in batches of `size`: what a batch costs is shared, what a message costs
 * is not. Both are known from batches of 1 and of 100.
 */
export function deliveryIn(size, { one, hundred }) {
  const keys = Object.keys(one);
  const of = (key) => {
    const shared = ((one[key] - hundred[key]) * BATCH_MAX) / (BATCH_MAX - 1);
    return one[key] - shared + shared / size;
  };
  return Object.fromEntries(keys.map((key) => [key, Math.max(0, of(key))]));
}

/** Runs of the canary in a month, if it is on: it is off unless an operator sets it up. */
export const CANARIES = SECONDS / 60;

const value = (key) => APP[key].value;

/** How often each operation happens in a month. */
export function monthOf(users) {
  const active = users * value("active");
  const checks = active * value("visits") * value("checks");
  const refreshes = active * value("visits") * value("refreshes");
  const cold = active * value("cold");
  return {
    deliveries: users * value("deliveries"),
    warm: checks - refreshes - cold,
    refreshes,
    cold,
    sweeps: SECONDS / 60,
    scrapes: SECONDS / value("scrape_s"),
    flushes: (ISOLATES.get(users) * SECONDS) / value("flush_s"),
  };
}

/**
 * What a month uses.
 *
 * @param {number} users
 * @param {object} per usage of one operation: `watched` and `unwatched` with `one` and `hundred`,
 *   `warm`, `refresh`, `cold`, `sweep`, `scrape`, `flush`
 * @param {object} bytes of a `user`, a `membership`, a `watch`, a `delivery`, an `object`
 */
export function usageOf(users, per, bytes) {
  const month = monthOf(users);
  const size = batchOf(month.deliveries);
  const watched = month.deliveries * value("active") * value("changing");
  const usage = added(
    scaled(deliveryIn(size, per.watched), watched),
    scaled(deliveryIn(size, per.unwatched), month.deliveries - watched),
    scaled(per.warm, month.warm),
    scaled(per.refresh, month.refreshes),
    scaled(per.cold, month.cold),
    scaled(per.sweep, month.sweeps),
    scaled(per.scrape, month.scrapes),
    scaled(per.flush, month.flushes),
  );
  return {
    ...usage,
    d1_gb: (users * bytesOf(bytes)) / 1e9,
    object_gb: (users * value("active") * bytes.object) / 1e9,
    log_gb_month: (usage.log_gb * value("log_days")) / DAYS,
  };
}

/** Bytes of a user in the database. */
export function bytesOf(bytes) {
  return (
    bytes.user +
    bytes.membership * value("memberships") +
    bytes.watch * value("active") +
    bytes.delivery * value("deliveries") * value("kept_months")
  );
}
