// The result as a table for people.

import { shown } from "../support/numbers.mjs";
import { APP, ISOLATES } from "./month.mjs";
import { PLAN_USD, PRICES } from "./prices.mjs";
import { ASSUMED } from "./usage.mjs";

/** Names of the operations, for people. */
export const NAMES = Object.freeze({
  delivery_watched_100: "delivery that changes a watched user's roles, batch of 100",
  delivery_watched_1: "delivery that changes a watched user's roles, batch of 1",
  delivery_unwatched_100: "other delivery, batch of 100",
  delivery_unwatched_1: "other delivery, batch of 1",
  guard_isolate: "guard check, isolate cache on",
  guard_warm: "guard check, roles young",
  guard_refresh: "guard check, roles older than the soft age",
  guard_cold: "guard check, first of a user",
  sweep: "sweep with nothing to do",
  scrape: "scrape of /metrics",
  flush: "flush of an isolate to Meter",
  canary: "run of the canary, computed from the rows above",
});

/** Columns of what one operation uses. */
const USED = [
  ["requests", "requests"],
  ["cpu_ms", "CPU ms at most"],
  ["queue_operations", "queue ops"],
  ["d1_read", "D1 read"],
  ["d1_written", "D1 written"],
  ["object_requests", "object requests"],
  ["object_written", "object rows written"],
  ["log_gb", "log bytes"],
];

const BYTES = 1e9;

const whole = (value) => Math.round(value).toLocaleString("en");

export const dollars = (usd) => `$${usd < 100 ? usd.toFixed(2) : whole(usd)}`;

const quantity = (value) => (value < 1_000 ? shown(value) : whole(value));

/** Whether a row has a price other than nothing. */
const costs = (row) => row.slice(2).some((it) => it !== "$0.00");

/** The tables: each with a title, a head and rows of text. */
export function tables({ detail }) {
  return [used(detail), millions(detail), ...months(detail), ends(detail), assumed(), prices()];
}

function used({ millions: all }) {
  const head = ["one", ...USED.map(([, text]) => text), "$ a million"];
  const rows = Object.entries(all).map(([name, { lines, usd }]) => {
    const units = (key) => lines.find((line) => line.key === key).units / 1e6;
    const cell = ([key]) => quantity(key === "log_gb" ? units(key) * BYTES : units(key));
    return [NAMES[name], ...USED.map(cell), dollars(usd)];
  });
  return { title: "What one operation uses", head, rows };
}

function millions({ millions: all }) {
  const head = ["price of a million", ...Object.keys(all).slice(0, 4).map((name) => NAMES[name])];
  const keys = Object.keys(PRICES);
  const rows = keys
    .map((key) => [
      PRICES[key].name,
      ...Object.values(all)
        .slice(0, 4)
        .map(({ lines }) => dollars(lines.find((line) => line.key === key).usd)),
    ])
    .filter(([, ...cells]) => cells.some((cell) => cell !== "$0.00"));
  return { title: "A million deliveries, by what is paid for", head, rows };
}

function months({ months: all, canaryMonth }) {
  const sizes = all.map(({ users }) => `${quantity(users)} users`);
  const head = ["used in a month", "included", ...sizes];
  const line = (month, key) => month.lines.find((it) => it.key === key);
  const quantities = Object.entries(PRICES).map(([key, { name, included }]) => [
    name,
    quantity(included),
    ...all.map((month) => quantity(line(month, key).units)),
  ]);
  const bills = Object.entries(PRICES).map(([key, { name }]) => [
    name,
    "",
    ...all.map((month) => dollars(line(month, key).usd)),
  ]);
  const plan = ["the plan", "", ...all.map(() => dollars(PLAN_USD))];
  const sum = ["sum", "", ...all.map(({ usd }) => dollars(usd))];
  const canary = [
    "the canary, if it is on: at most",
    "",
    ...all.map(() => dollars(canaryMonth)),
  ];
  return [
    { title: "A month: what is used", head, rows: quantities },
    {
      title: "A month: dollars beyond the included amounts",
      head: ["price of a month", "", ...head.slice(2)],
      rows: [...bills.filter(costs), plan, sum, canary],
    },
  ];
}

function ends({ ends: it, bytes, fanOut }) {
  const rows = [
    ["bytes of a user's row", quantity(bytes.user)],
    ["bytes of a membership", quantity(bytes.membership)],
    ["bytes of a delivery's row", quantity(bytes.delivery)],
    ["bytes of a watch", quantity(bytes.watch)],
    ["bytes of a role cache", quantity(bytes.object)],
    ["bytes of a user with all of these in the database", quantity(it.bytes_per_user)],
    ["users at which the database is full (10 GB)", quantity(it.users_full)],
    ["D1 queries of a refresh", shown(fanOut.queriesPerRefresh)],
    ["users active at once that one database carries", quantity(it.active_users)],
    ["hints that one sweep sends", quantity(it.hints_per_sweep)],
    ["its time here, ms", quantity(it.sweep_ms)],
    ["minutes of a fan-out to a million watchers", quantity(it.minutes_per_million)],
    ["the same if a sweep used all subrequests", quantity(it.minutes_per_million_allowed)],
  ];
  return { title: "Where it ends", head: ["figure", "counted or measured"], rows };
}

function assumed() {
  const app = Object.values(APP).map(({ value, text }) => [text, shown(value)]);
  const isolates = [...ISOLATES].map(([users, n]) => [
    `isolates that are busy all month, ${quantity(users)} users`,
    String(n),
  ]);
  const rest = [
    ["ms that an object is active for a request", shown(ASSUMED.object_ms)],
    ["ms that an object waits for D1", shown(ASSUMED.d1_ms)],
    ["bytes of Workers Logs' own line for an invocation", quantity(ASSUMED.invocation_bytes)],
  ];
  return { title: "Assumed", head: ["assumption", "value"], rows: [...app, ...isolates, ...rest] };
}

function prices() {
  const rows = Object.values(PRICES).map(({ name, unit, usd, per, included, page, read }) => [
    name,
    `$${usd} / ${per === 1 ? "" : `${quantity(per)} `}${unit}`,
    quantity(included),
    page,
    read,
  ]);
  return { title: "Prices", head: ["what", "price", "included a month", "page", "read"], rows };
}

/** The tables as aligned lines. */
export function lines(result) {
  return tables(result).flatMap(({ title, head, rows }) => {
    const all = [head, ...rows];
    const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
    const line = (row) =>
      row.map((it, i) => (i === 0 ? it.padEnd(widths[i]) : it.padStart(widths[i]))).join("  ");
    return ["", title, ...all.map(line)];
  });
}
