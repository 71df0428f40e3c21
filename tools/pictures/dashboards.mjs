// Draws each dashboard from the series of a real Prometheus, one picture each:
//
//     node tools/pictures/dashboards.mjs http://127.0.0.1:9090 [--minutes 30] [--every 15]
//
// Grafana is not needed: the panels are read from `dashboards/*.json`, their expressions are asked,
// and uPlot draws the lines in Chromium. uPlot is one file of 50 KB without dependencies; a picture
// needs nothing else of a chart library. sharp, which Miniflare brings anyway, makes files small.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import sharp from "sharp";

import { launch } from "../../tests/browser/support/browser.mjs";
import { aligned, buckets, read, withUnit } from "./panels.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WIDTH = 1_000;

/** Colours of a picture. With 64, two colours of a chart's lines became one. */
const COLOURS = 256;

/** Lines of a chart that colours alone tell apart: `page.js` has as many. */
const LINES_MAX = 8;

/** Our own limit of a picture: it is in the repository. */
const BYTES_MAX = 150_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "30" },
    every: { type: "string", default: "15" },
    dashboards: { type: "string", default: path.join(ROOT, "dashboards") },
    out: { type: "string", default: path.join(ROOT, "docs/images") },
  },
});
const [url] = positionals;
if (!url) throw new Error("name the Prometheus: node tools/pictures/dashboards.mjs http://…");

const how = {
  url,
  minutes: Number(options.minutes),
  every_s: Number(options.every),
  at_s: Math.floor(Date.now() / 1_000),
};
mkdirSync(options.out, { recursive: true });
const files = readdirSync(options.dashboards).filter((name) => name.endsWith(".json"));
const browser = await launch();
try {
  for (const file of files) await draw(file);
} finally {
  await browser.close();
}

async function draw(file) {
  const text = readFileSync(path.join(options.dashboards, file), "utf8");
  const dashboard = await read(JSON.parse(text), how);
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 600 } });
  await page.setContent(readFileSync(new URL("page.html", import.meta.url), "utf8"));
  const uplot = (name) => path.join(ROOT, "node_modules/uplot/dist", name);
  await page.addStyleTag({ path: uplot("uPlot.min.css") });
  await page.addScriptTag({ path: uplot("uPlot.iife.min.js") });
  await page.addScriptTag({ path: fileURLToPath(new URL("page.js", import.meta.url)) });
  const shown = { ...dashboard, minutes: how.minutes, panels: dashboard.panels.map(drawn) };
  await page.evaluate((it) => window.show(it), shown);
  const out = path.join(options.out, `dashboard-${file.replace(".json", ".png")}`);
  const full = await page.screenshot({ fullPage: true });
  await page.close();
  const small = await sharp(full).png({ palette: true, colours: COLOURS, effort: 10 }).toBuffer();
  writeFileSync(out, small);
  const { length } = small;
  const size = `${Math.round(length / 1_000)} kB`;
  console.log(`${out}: ${size}${BYTES_MAX < length ? ", more than a picture may have" : ""}`);
  if (BYTES_MAX < length) process.exitCode = 1;
}

/** What the page draws: it has no code of this project's but for drawing. */
function drawn({ series, ...panel }) {
  const { type, unit } = panel;
  const last = ({ values }) => Number(values.at(-1)[1]);
  switch (type) {
    case "stat":
    case "bargauge": {
      const rows = series.map((it) => ({
        name: it.name,
        value: last(it),
        text: type === "stat" && it.name ? it.name : withUnit(last(it), unit),
      }));
      return { ...panel, rows };
    }
    case "heatmap":
      return { ...panel, ...buckets(series) };
    case "timeseries": {
      const lines = readable(series);
      const data = aligned(lines);
      const highest = Math.max(0, ...data.slice(1).flat());
      const names = lines.map(({ name }) => name);
      return { ...panel, names, data, ticks: ticksOf(highest, unit) };
    }
    default:
      return panel;
  }
}

/** Of more lines than there are colours, only those that were not zero all the time. */
function readable(series) {
  const moved = series.filter(({ values }) => values.some(([, text]) => Number(text) !== 0));
  return LINES_MAX < series.length && 0 < moved.length ? moved : series;
}

/** Values of the axis with their texts, from zero to the highest. */
function ticksOf(highest, unit) {
  const top = highest === 0 ? 1 : highest;
  const size = 10 ** Math.floor(Math.log10(top));
  const step = [0.2, 0.5, 1, 2].map((it) => it * size).find((it) => top / it <= 5) ?? size;
  const count = Math.ceil(top / step);
  const at = Array.from({ length: count + 1 }, (_, i) => i * step);
  return at.map((value) => [value, withUnit(value, unit)]);
}
