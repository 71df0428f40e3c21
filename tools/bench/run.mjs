// Runs one row, or lists the rows; `cargo xtask bench` runs them one by one. Results go to standard
// output and to `tools/bench/results`, progress to standard error.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

import { cost } from "./rows/cost.mjs";
import { door } from "./rows/door.mjs";
import { guard, guardIsolate } from "./rows/guard.mjs";
import { guardCold } from "./rows/guard-cold.mjs";
import { meter } from "./rows/meter.mjs";
import { metrics } from "./rows/metrics.mjs";
import { metricsSync } from "./rows/metrics-sync.mjs";
import { operators } from "./rows/operators.mjs";
import { scale } from "./rows/scale.mjs";
import { scrape } from "./rows/scrape.mjs";
import { size, start } from "./rows/size.mjs";
import { sync } from "./rows/sync.mjs";
import { shown } from "./support/numbers.mjs";

// The benchmark uses no internet.
process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= "false";

const ROWS = {
  guard,
  "guard-isolate": guardIsolate,
  "guard-cold": guardCold,
  door,
  metrics,
  sync,
  "metrics-sync": metricsSync,
  scale,
  "scale-operators": operators,
  scrape,
  meter,
  size,
  start,
  cost,
};

const RESULTS = fileURLToPath(new URL("results/", import.meta.url));

const name = process.argv[2];
if (name === undefined) {
  for (const known of Object.keys(ROWS)) console.log(known);
  process.exit();
}

const row = ROWS[name];
const result = await row.run((text) => console.error(text));
const reached = row.target.holds(result);
keep(result, reached);
const { ours, peer, floor, ratio } = result;
for (const line of row.lines?.(result) ?? []) console.log(line);
const verdict = `${row.target.text}${reached ? "" : ": NOT REACHED"}`;
const others = `peer ${shown(peer)}, floor ${shown(floor)}, ratio ${shown(ratio)}`;
console.log(`  ${row.title}: ${shown(ours)} ${row.unit}; ${others}`);
console.log(`  ${reached ? "✓" : "✗"} ${verdict}`);
// A row may have figures of its own, after those that every row has.
const figures = Object.entries({ ours, peer, floor, ratio, ...result.figures });
const text = figures.map(([key, value]) => `${key}=${shown(value)}`).join(" ");
console.log(`bench: ${name} ${text}`);

/** For comparisons of runs: the figures of every turn, and the machine. */
function keep(result, reached) {
  const { title, unit, target } = row;
  mkdirSync(RESULTS, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const date = new Date().toISOString().slice(0, 10);
  const kept = { name, title, unit, target: target.text, reached, date, machine, ...result };
  writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify(kept, null, 2)}\n`);
}
