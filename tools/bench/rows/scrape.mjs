// How long the console takes for a page of metrics. Four shards of Meter have every series that an
// isolate can count, with every bucket of every histogram, and D1 has every counter: together more
// than 2,000 lines are read and summed. The page itself has each series once, as always.

import { METRICS_TOKEN } from "../../../tests/workerd/support/console.mjs";
import { median, quantile } from "../support/numbers.mjs";
import { extra, ours, start } from "../support/system.mjs";

const SERIES = 2_000;
const SHARDS = 4;
const TIMES = 300;
const WARM = 30;

export const scrape = {
  title: "a scrape of 2,000 series, p95",
  unit: "ms",
  target: {
    text: "under 100 ms with 2,000 series",
    holds: ({ ours: ms, detail }) => ms < 100 && SERIES <= detail.read,
  },
  async run(say) {
    const bindings = { METRICS_TOKEN, METER_SHARDS: SHARDS };
    const METER = { className: "Meter", scriptName: "rolecall-durable", useSQLite: true };
    const system = await start([
      ours.durable(),
      ours.console({ bindings }),
      extra("filler", { durableObjects: { METER } }),
    ]);
    try {
      const url = new URL("/metrics", await system.url("rolecall-console"));
      say("fill Meter and D1");
      const empty = await page(url);
      const read = await fill(system, seriesOf(empty.text));
      say(`scrape ${TIMES} times`);
      for (let i = 0; i < WARM; i += 1) await page(url);
      const took = [];
      let last;
      for (let i = 0; i < TIMES; i += 1) {
        last = await page(url);
        took.push(last.ms);
      }
      const shown = last.text.split("\n").filter((line) => line && !line.startsWith("#")).length;
      const ms = quantile(took, 0.95);
      const detail = { read, shown, bytes: last.text.length, p50: median(took), shards: SHARDS };
      return { ours: ms, ratio: ms / 100, detail };
    } finally {
      await system.stop();
    }
  },
};

async function page(url) {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}`, accept: "text/plain" };
  const begun = performance.now();
  const response = await fetch(url, { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`/metrics answered ${response.status}: ${text.slice(0, 200)}`);
  return { text, ms: performance.now() - begun };
}

/** Every series that is there from the beginning: `{metric, labels, buckets}`, with its lines. */
function seriesOf(text) {
  const kinds = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, ...it]) => it));
  const all = new Map();
  for (const [, name, inner = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const metric = kinds.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
    const pairs = [...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, ...pair]) => pair);
    const labels = pairs.filter(([label]) => label !== "le").map(([, value]) => value);
    const key = JSON.stringify([metric, labels]);
    const series = all.get(key) ?? { metric, kind: kinds.get(metric), labels, bounds: 0, lines: 0 };
    series.bounds += Number(name.endsWith("_bucket"));
    series.lines += 1;
    all.set(key, series);
  }
  return [...all.values()].filter(({ kind }) => kind !== "gauge");
}

/** Names of the counters that the consumer keeps in D1. */
const EXACT = /^rolecall_(batches|messages|events|parked|retried_messages)_total$/;

/** Counts every series. Returns how many lines a scrape has to read. */
async function fill(system, series) {
  const insert = "INSERT INTO totals (metric, labels, total) VALUES (?1, ?2, ?3)";
  const isOwn = ({ metric }) => metric.startsWith("rolecall_meter_");
  const exact = series.filter(({ metric }) => EXACT.test(metric));
  const counted = series.filter((it) => !EXACT.test(it.metric) && !isOwn(it));
  const rows = exact.map(({ metric, labels }, n) => [metric, labels.join(","), n + 1]);
  await system.db.batch(rows.map((row) => system.db.prepare(insert).bind(...row)));
  const values = counted.map(({ metric, labels, kind, bounds }, n) => {
    if (kind !== "histogram") return { metric, labels, value: 1_000_000 + n };
    const buckets = Array.from({ length: bounds }, (_, at) => 1_000 + at);
    return { metric, labels, value: 12_345 * (n + 1), buckets };
  });
  const filler = await system.worker("filler");
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const flush = {
      source: `source-${shard}`, sequence: 1, worker: "ssr", at: Date.now(), shards: SHARDS, values,
    };
    const request = { method: "POST", body: JSON.stringify(flush) };
    const response = await filler.fetch(`https://filler.example/meter-${shard}`, request);
    const text = await response.text();
    if (!text.includes("counted")) throw new Error(`Meter answered ${response.status}: ${text}`);
  }
  const lines = (some) => some.reduce((sum, it) => sum + it.lines, 0);
  return lines(exact) + SHARDS * lines(counted);
}
