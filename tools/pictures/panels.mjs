// A dashboard's panels as plain data: titles, units and the series of their expressions, asked of a
// Prometheus. `dashboards.mjs` draws them.

/** Points of a line. */
const POINTS = 240;

/** Scrapes that a rate needs at least, as Grafana's `$__rate_interval` has it. */
const SCRAPES = 4;

/** A value at one moment, for a panel without an axis of time. */
const INSTANT = "query";

/** Asks the API of a Prometheus. */
export async function ask(url, where, query) {
  const answer = await fetch(new URL(`api/v1/${where}?${new URLSearchParams(query)}`, url));
  const { status, data, error } = await answer.json();
  if (status !== "success") throw new Error(`${where} ${JSON.stringify(query)}: ${error}`);
  return data.result;
}

/**
 * Reads a dashboard.
 *
 * @param {object} dashboard as in `dashboards/*.json`
 * @param {{url: string, minutes: number, every_s: number, at_s: number, job?: string}} how
 */
export async function read(dashboard, how) {
  const job = how.job ?? (await firstJob(how));
  const fill = (text) => filled(text, { ...how, job });
  const panels = [];
  for (const panel of dashboard.panels) {
    const { type, title, gridPos, fieldConfig = {}, targets = [] } = panel;
    const series = [];
    for (const target of targets) series.push(...(await seriesOf(target, type, fill, how)));
    panels.push({ type, title, at: gridPos, unit: fieldConfig.defaults?.unit, series });
  }
  return { title: dashboard.title, description: dashboard.description, panels };
}

async function firstJob({ url, at_s }) {
  const query = { query: "rolecall_build_info", time: at_s };
  const [first] = await ask(url, INSTANT, query);
  if (!first) throw new Error(`${url} has no rolecall_build_info: it does not scrape the console`);
  return first.metric.job;
}

/** The text with the dashboard's variables, as Grafana fills them in. */
export function filled(text, { job, minutes, every_s }) {
  return text
    .replaceAll("$__rate_interval", `${rateInterval({ minutes, every_s })}s`)
    .replaceAll("$__range", `${minutes}m`)
    .replaceAll("$job", job);
}

export const stepOf = ({ minutes }) => Math.max(1, Math.round((minutes * 60) / POINTS));

const rateInterval = (how) => Math.max(SCRAPES * how.every_s, stepOf(how) + how.every_s);

async function seriesOf({ expr, legendFormat, instant }, type, fill, how) {
  const { url, minutes, at_s } = how;
  const query = fill(expr);
  const name = (metric) => labelled(legendFormat ?? "", metric);
  if (instant || type === "stat" || type === "bargauge") {
    const found = await ask(url, INSTANT, { query, time: at_s });
    return found.map(({ metric, value }) => ({ name: name(metric), values: [value] }));
  }
  const range = { query, start: at_s - minutes * 60, end: at_s, step: stepOf(how) };
  const found = await ask(url, "query_range", range);
  return found.map(({ metric, values }) => ({ name: name(metric), values }));
}

/** A legend: `{{label}}` is the label's value. */
export function labelled(format, metric) {
  return format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? "");
}

/** Seconds and values of several series on one axis; `null` where a series has no value. */
export function aligned(series) {
  const times = [...new Set(series.flatMap(({ values }) => values.map(([at]) => at)))];
  times.sort((a, b) => a - b);
  const lines = series.map(({ values }) => {
    const known = new Map(values.map(([at, text]) => [at, Number(text)]));
    return times.map((at) => {
      const value = known.get(at);
      return value === undefined || !Number.isFinite(value) ? null : value;
    });
  });
  return [times, ...lines];
}

/**
 * The cells of a heatmap from cumulative buckets: what falls between one bound and the next.
 *
 * @returns {{bounds: string[], times: number[], cells: (number | null)[][]}}
 */
export function buckets(series) {
  const bound = ({ name }) => (name === "+Inf" ? Infinity : Number(name));
  const sorted = [...series].sort((a, b) => bound(a) - bound(b));
  const [times, ...lines] = aligned(sorted);
  const cells = lines.map((line, row) =>
    line.map((value, i) => {
      const below = row === 0 ? 0 : lines[row - 1][i];
      return value === null || below === null ? null : Math.max(0, value - below);
    }),
  );
  return { bounds: sorted.map(({ name }) => name), times, cells };
}

/** A value with its unit, for people. */
export function withUnit(value, unit) {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = (number) => Number(number.toPrecision(3)).toLocaleString("en");
  switch (unit) {
    case "percentunit":
      return `${text(value * 100)} %`;
    case "s":
      return value !== 0 && Math.abs(value) < 1 ? `${text(value * 1_000)} ms` : `${text(value)} s`;
    case "bytes":
      if (1e9 <= value) return `${text(value / 1e9)} GB`;
      return value < 1e6 ? `${text(value / 1e3)} kB` : `${text(value / 1e6)} MB`;
    case "cps":
      return `${text(value)} /s`;
    default:
      return text(value);
  }
}
