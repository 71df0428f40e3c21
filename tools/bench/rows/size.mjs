// The cost of a cold start: the size of each Worker, and the time of ssr's first answer in a new
// process.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { coldStart } from "../support/cold.mjs";
import { median, shown } from "../support/numbers.mjs";

const MS_MAX = 50;

/** Cold processes of each contestant. */
const STARTS = 25;

const at = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** Bytes of each Worker after `gzip -9`: `cargo xtask build` holds the same. */
const BUDGETS = JSON.parse(readFileSync(at("tools/xtask/src/build/size.json"), "utf8"));

export const size = {
  title: "JavaScript and wasm, gzipped, of the Worker that is nearest to its budget",
  unit: "of its budget",
  target: { text: "each Worker within its budget", holds: ({ ours }) => ours <= 1 },
  async run() {
    const zipped = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
    const rows = Object.entries(BUDGETS).map(([name, budget]) => {
      const files = ["index.js", "index_bg.wasm"].map((file) => at(`${name}/build/${file}`));
      const bytes = files.map(zipped).reduce((a, b) => a + b);
      return [name, { kb: bytes / 1_000, budget_kb: budget / 1_000, share: bytes / budget }];
    });
    const detail = Object.fromEntries(rows);
    return { ours: Math.max(...rows.map(([, { share }]) => share)), detail };
  },
  lines: ({ detail }) =>
    Object.entries(detail).map(
      ([name, { kb, budget_kb }]) => `  ${name}: ${shown(kb)} KB of ${shown(budget_kb)} KB`,
    ),
};

export const start = {
  title: "ssr's first answer, from the start of a cold process",
  unit: "ms, median",
  target: { text: `at most ${MS_MAX} ms`, holds: ({ ours }) => ours <= MS_MAX },
  async run(say) {
    const times = { ours: [], floor: [] };
    const contestants = {
      ours: () => coldStart({ folder: at("ssr/build"), wasm: true, path: "/sign-in" }),
      floor: () => coldStart({ folder: at("tools/bench/workers"), main: "floor.mjs", path: "/" }),
    };
    for (let i = 0; i <= STARTS; i += 1) {
      if (i % 5 === 0) say(`process ${i} of ${STARTS}`);
      for (const [name, run] of Object.entries(contestants)) {
        const time = await run();
        // The first one reads the files from disk.
        if (0 < i) times[name].push(time);
      }
    }
    const parts = (name) => ({
      listens: median(times[name].map(({ listens }) => listens)),
      answers: median(times[name].map(({ answers }) => answers)),
    });
    const detail = { ours: parts("ours"), floor: parts("floor") };
    return { ours: detail.ours.answers, floor: detail.floor.answers, detail };
  },
};
