// The cost of a cold start: the size of each Worker, and the time of ssr's first answer in a new
// process.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { coldStart } from "../support/cold.mjs";
import { median } from "../support/numbers.mjs";

const WORKERS = ["ingest", "consumer", "durable", "ssr"];

/** Ours, as measured by `cargo xtask build`: bytes of a Worker after `gzip -9`, in KB. */
const KB_MAX = 260;

const MS_MAX = 50;

/** Cold processes of each contestant. */
const STARTS = 25;

const at = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

export const size = {
  title: "JavaScript and wasm of the largest Worker, gzipped",
  unit: "KB",
  target: { text: `each at most ${KB_MAX} KB`, holds: ({ ours }) => ours <= KB_MAX },
  async run() {
    const zipped = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
    const sizes = WORKERS.map((name) => {
      const files = ["index.js", "index_bg.wasm"].map((file) => at(`${name}/build/${file}`));
      return [name, files.map(zipped).reduce((a, b) => a + b) / 1_000];
    });
    return { ours: Math.max(...sizes.map(([, kb]) => kb)), detail: Object.fromEntries(sizes) };
  },
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
