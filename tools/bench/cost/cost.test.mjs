// The arithmetic of `cargo xtask bench cost`, and that docs/cost.md shows the last result.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { breaking } from "./breaking.mjs";
import { ISOLATES, SIZES, batchOf, bytesOf, deliveryIn, monthOf, usageOf } from "./month.mjs";
import { blockOf, page } from "./page.mjs";
import { PRICES, bill, marginal, monthly } from "./prices.mjs";
import { added, canaryOf, perOperation, scaled } from "./usage.mjs";

function near(a, b) {
  assert.ok(Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(b)), `${a}, not ${b}`);
}

test("every price names its page and the day on which it was read", () => {
  for (const { name, page: at, read, usd, per } of Object.values(PRICES)) {
    assert.match(at, /^https:\/\/developers\.cloudflare\.com\//, name);
    assert.match(read, /^\d{4}-\d{2}-\d{2}$/, name);
    assert.ok(0 < usd && 0 < per, name);
  }
});

test("Cloudflare's own example of Workers costs what Cloudflare says", () => {
  // 15 million requests of 7 ms: https://developers.cloudflare.com/workers/platform/pricing/
  const { usd } = bill({ requests: 15e6, cpu_ms: 7 * 15e6 }, monthly);
  near(usd, 1.5 + 1.5);
});

test("Cloudflare's own example of Queues costs what Cloudflare says", () => {
  // A million messages a day: https://developers.cloudflare.com/queues/platform/pricing/
  const { usd } = bill({ queue_operations: 3 * 30 * 1e6 }, monthly);
  near(usd, 35.6);
});

test("what is included costs nothing in a month, and is not in the price of a million", () => {
  near(bill({ d1_written: 50e6 }, monthly).usd, 0);
  near(bill({ d1_written: 51e6 }, monthly).usd, 1);
  near(bill({ d1_written: 1e6 }, marginal).usd, 1);
});

test("usage without a price is an error", () => {
  assert.throws(() => bill({ d1_wrote: 1 }, monthly), /no price for d1_wrote/);
});

/** Sums of a run in which nothing happened. */
const NOTHING = {
  requests: 0,
  batches: 0,
  crons: 0,
  d1_read: 0,
  d1_written: 0,
  queue_written: 0,
  queue_read: 0,
  queue_again: 0,
  object_requests: 0,
  object_alarms: 0,
  object_read: 0,
  object_written: 0,
  object_d1_calls: 0,
  meter_requests: 0,
  meter_read: 0,
  meter_written: 0,
  log_bytes: 0,
  points: 0,
};

test("a message is written, read and deleted, and a retry is read once more", () => {
  const once = { ...NOTHING, requests: 1, batches: 1, queue_written: 1, queue_read: 1 };
  assert.equal(perOperation(once, 1, 0).queue_operations, 3);
  assert.equal(perOperation(once, 1, 0).requests, 2);
  const again = { ...once, queue_read: 2, queue_again: 1 };
  assert.equal(perOperation(again, 1, 0).queue_operations, 4);
});

test("an object is active while it waits for D1, and it has 128 MB", () => {
  const asked = { ...NOTHING, object_requests: 1_000, object_d1_calls: 1_000 };
  near(perOperation(asked, 1, 0).object_gbs, 0.128 * (2 + 20));
  near(perOperation(asked, 1_000, 5_000).cpu_ms, 5);
});

test("what a batch costs is shared by its messages", () => {
  // A message costs 2; a batch costs 10.
  const both = { one: { d1_read: 12 }, hundred: { d1_read: 2.1 } };
  near(deliveryIn(1, both).d1_read, 12);
  near(deliveryIn(10, both).d1_read, 3);
  near(deliveryIn(100, both).d1_read, 2.1);
});

test("batches grow with the rate, up to 100", () => {
  near(batchOf(0), 1);
  near(batchOf(30 * 86_400), 2);
  assert.equal(batchOf(1e12), 100);
});

test("every size has its isolates, and checks are split without a rest", () => {
  for (const users of SIZES) {
    assert.ok(0 < ISOLATES.get(users));
    const { warm, refreshes, cold } = monthOf(users);
    near(warm + refreshes + cold, users * 0.3 * 10 * 10);
    assert.ok(0 <= warm);
  }
});

const BYTES = { user: 100, membership: 100, watch: 100, delivery: 100, object: 1_000 };

test("a month uses what its operations use", () => {
  const one = { requests: 1, log_gb: 1e-9 };
  const both = { one, hundred: one };
  const per = { watched: both, unwatched: both, warm: one, refresh: one, cold: one };
  const all = { ...per, sweep: one, scrape: one, flush: one };
  const month = monthOf(1_000);
  const count = Object.values(month).reduce((sum, n) => sum + n, 0);
  const usage = usageOf(1_000, all, BYTES);
  near(usage.requests, count);
  near(usage.log_gb_month, (count * 1e-9 * 7) / 30);
  near(usage.d1_gb, (1_000 * bytesOf(BYTES)) / 1e9);
  near(usage.object_gb, (300 * 1_000) / 1e9);
  near(bytesOf(BYTES), 100 + 160 + 30 + 600);
});

test("one database ends where D1's limits are", () => {
  const counted = { hintsPerSweep: 1_000, sweepMs: 1, subrequestsPerHint: 2, bytes: BYTES };
  const ends = breaking({ queriesPerRefresh: 1, ...counted });
  near(ends.active_users, 30_000);
  near(ends.users_full, 10e9 / bytesOf(BYTES));
  near(ends.minutes_per_million, 1_000);
  near(ends.minutes_per_million_allowed, 200);
});

test("usages are added and scaled by their names", () => {
  assert.deepEqual(added({ a: 1 }, { a: 2, b: 3 }), { a: 3, b: 3 });
  assert.deepEqual(scaled({ a: 2 }, 3), { a: 6 });
});

test("a run of the canary is a delivery, two looks and five rows", () => {
  const delivery = { requests: 2, d1_written: 13, object_requests: 1 };
  const look = { requests: 1, d1_written: 0, object_requests: 1 };
  assert.deepEqual(canaryOf(delivery, look), { requests: 2, d1_written: 18, object_requests: 3 });
});

test("docs/cost.md shows the last result", () => {
  const text = readFileSync(new URL("../../../docs/cost.md", import.meta.url), "utf8");
  const said = "run `node tools/bench/cost/page.mjs`";
  assert.equal(page(text), text, `docs/cost.md is not of tools/bench/results/cost.json: ${said}`);
  assert.ok(text.includes(blockOf()), said);
});
