// Writes the tables of docs/cost.md from the last result: `node tools/bench/cost/page.mjs`.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { tables } from "./report.mjs";

const RESULT = new URL("../results/cost.json", import.meta.url);
const PAGE = fileURLToPath(new URL("../../../docs/cost.md", import.meta.url));

/** The tables stand between these two lines. */
const BEGIN = "<!-- tables: written by tools/bench/cost/page.mjs -->";
const END = "<!-- end of the tables -->";

/** The tables of the last result, as Markdown. */
export function blockOf() {
  const result = JSON.parse(readFileSync(RESULT, "utf8"));
  const parts = tables(result).map(({ title, head, rows }) => {
    const cell = (it) => (it.startsWith("https://") ? `<${it}>` : it);
    const line = (row) => `| ${row.map(cell).join(" | ")} |`.replaceAll("|  |", "| |");
    const rule = `|${head.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`;
    return [`### ${title}`, "", line(head), rule, ...rows.map(line)].join("\n");
  });
  const { date, machine } = result;
  const of = `Counted on ${date} on ${machine.cores} cores with Node ${machine.node}.`;
  return [of, ...parts].join("\n\n");
}

/** The page with the tables of the last result. */
export function page(text) {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`docs/cost.md has no lines ${BEGIN} and ${END}`);
  return `${text.slice(0, from)}${BEGIN}\n\n${blockOf()}\n\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, page(readFileSync(PAGE, "utf8")));
}
