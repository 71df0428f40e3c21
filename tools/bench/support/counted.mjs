// A Worker in the shell that counts what it costs (`tools/bench/workers/counted.mjs`).

import { readFileSync } from "node:fs";
import path from "node:path";

const SHELL = readFileSync(new URL("../workers/counted.mjs", import.meta.url), "utf8");

/** The classes of Durable Objects, and what their sums begin with. */
const CLASSES = { RoleCache: "object", Meter: "meter" };

/** Puts the shell around a Worker of `ours`. */
export function counted(options) {
  const folder = options.modulesRoot;
  const built = readFileSync(path.join(folder, "index.js"), "utf8");
  const classes = Object.entries(CLASSES)
    .filter(([name]) => new RegExp(`\\bas ${name}\\b`).test(built))
    .map(([name, prefix]) => `export const ${name} = countedClass(inner.${name}, "${prefix}");`);
  const { scriptPath: _, modulesRules: __, ...rest } = options;
  const at = (name) => path.join(folder, name);
  return {
    ...rest,
    modules: [
      { type: "ESModule", path: at("counted.js"), contents: [SHELL, ...classes].join("\n") },
      { type: "ESModule", path: at("index.js") },
      { type: "CompiledWasm", path: at("index_bg.wasm") },
    ],
  };
}

/** Sums that are sizes: the greatest counts. */
const SIZES = new Set(["object_bytes", "meter_bytes"]);

/**
 * Reads the sums of Workers since the last reading.
 *
 * @returns {Promise<Record<string, number>>}
 */
export async function counts(system, names) {
  const all = [];
  for (const name of names) {
    const worker = await system.worker(name);
    all.push(await (await worker.fetch("http://count/")).json());
  }
  const total = (key) =>
    SIZES.has(key)
      ? Math.max(...all.map((one) => one[key]))
      : all.reduce((sum, one) => sum + one[key], 0);
  return Object.fromEntries(Object.keys(all[0]).map((key) => [key, total(key)]));
}
