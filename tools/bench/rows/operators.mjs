// What each page and call of the console reads with more and more dead letters and deliveries, as
// D1 counts rows; and what a delivery writes with and without the index that `explain` needs.
//
// BENCH_DELIVERIES=10000000 takes ten million deliveries at the largest size: about 3 GB on disk.

import { randomUUID } from "node:crypto";

import { counter } from "../support/counter.mjs";
import { delivery, updated } from "../support/events.mjs";
import { median } from "../support/numbers.mjs";
import { Sealer } from "../support/sealer.mjs";
import { ours, seed, start, userId } from "../support/system.mjs";

/** Letters in the database, and deliveries beside them. */
const SIZES = [
  { letters: 1_000, deliveries: 10_000 },
  { letters: 100_000, deliveries: 100_000 },
  { letters: 1_000_000, deliveries: Number(process.env.BENCH_DELIVERIES ?? 1_000_000) },
];

/** Users of the database. */
const USERS = 100;

/** Of these, those that the letters are about: each has more letters than a page looks at. */
const SUBJECTS = 20;

/** How often each call is made; the median counts. */
const TIMES = 3;

/** Letters of a page: as many as every filter finds at the smallest size. */
const LIMIT = 5;

/** Messages in a batch of the consumer. */
const BATCH = 100;

/** Rows written by one statement: D1 limits a statement to half a minute. */
const CHUNK = 50_000;

const TOKEN = "a-token-of-the-benchmark-with-more-than-32-bytes";
const DAY_MS = 86_400_000;
const [REASONS, TYPES, DAYS] = [6, 5, 10];

export const operators = {
  title: "rows read by the console's pages and calls: at 10^6 letters to at 10^5",
  unit: "× for the worst of them",
  target: { text: "no more rows by any", holds: ({ detail }) => detail.grow.length === 0 },
  async run(say) {
    const at = [];
    for (const size of SIZES) {
      at.push(await measure(size, (text) => say(`${size.letters} letters: ${text}`)));
    }
    // At 10^3 a page ends before its bound, because there is no more to read.
    const [bound, last] = at.slice(-2);
    const names = Object.keys(last.calls);
    const growth = (name) => last.calls[name].read / Math.max(1, bound.calls[name].read);
    const grow = names.filter((name) => bound.calls[name].read < last.calls[name].read);
    const ratio = Math.max(...names.map(growth));
    return { ours: ratio, ratio, detail: { grow, at } };
  },
};

async function measure(size, say) {
  const rows = { read: 0, written: 0 };
  const sealer = new Sealer();
  const counted = { d1Databases: undefined, wrappedBindings: { DB: "counted-database" } };
  const bindings = { OPERATOR_TOKEN: TOKEN };
  const system = await start([
    ours.console({ bindings, ...counted }),
    ours.durable(),
    ours.consumer({ queueConsumers: undefined, ...counted }),
    ...sealer.workers,
    counter(rows),
  ]);
  try {
    say("seed users, letters and deliveries");
    await seed(system, 0, USERS);
    const [envelope] = await sealer.seal(system, [delivery(updated(userId(0)))]);
    await seedLetters(system.db, size.letters, envelope);
    await seedDeliveries(system.db, size.deliveries);
    say("call");
    const calls = await callAll(await system.url("rolecall-console"), rows);
    say("deliver");
    const written = await writtenByABatch(system, sealer, rows);
    return { ...size, calls, written };
  } finally {
    await system.stop();
  }
}

/** D1 takes every number for a real one, and a division of those keeps its fraction. */
const COUNT_FROM = `WITH RECURSIVE n (i) AS (
  SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)`;

async function inChunks(db, sql, count, ...more) {
  for (let from = 0; from < count; from += CHUNK) {
    await db.prepare(sql).bind(from, Math.min(from + CHUNK, count), ...more).run();
  }
}

/**
 * Letters, spread evenly over the same cells at every size: reasons, types and days. One in ten is
 * discarded. Their bytes are those of a real message, with other ids.
 */
async function seedLetters(db, count, envelope) {
  const user = `'user_2' || printf('%026d', i % ${SUBJECTS})`;
  const svix = "'msg_' || printf('%027d', i)";
  const [own] = /msg_[A-Za-z0-9]+/.exec(envelope) ?? [];
  const text = `replace(replace(?3, ?4, ${svix}), ?5, ${user})`;
  const insert = `INSERT INTO dead_letters (message_id, queue, svix_id, type, subject, reason,
    attempts, first_seen_at, last_seen_at, state, envelope)
    ${COUNT_FROM} SELECT 'm' || printf('%012d', i), 'rolecall-events', ${svix},
    'user.type' || (i / ${REASONS} % ${TYPES}), ${user}, 'reason-' || (i % ${REASONS}), 1,
    (20000 + i / ${REASONS * TYPES} % ${DAYS}) * ${DAY_MS} + i % ${DAY_MS}, 1,
    iif(i / ${REASONS * TYPES * DAYS} % 10 = 9, 'discarded', 'parked'), ${text} FROM n`;
  await withBareTable(db, "dead_letters", () =>
    inChunks(db, insert, count, envelope, own, userId(0)));
  // As the migration counts the letters that it finds.
  await db.prepare(`INSERT INTO dead_letter_counts (state, reason, type, day, letters)
    SELECT state, reason, coalesce(type, ''), first_seen_at / ${DAY_MS}, count(*)
    FROM dead_letters GROUP BY 1, 2, 3, 4`).run();
}

async function seedDeliveries(db, count) {
  const insert = `INSERT INTO deliveries (svix_id, type, subject, outcome, attempted_at,
    received_at, applied_at, body_digest)
    ${COUNT_FROM} SELECT 'msg_' || printf('%027d', i), 'user.updated',
    'user_2' || printf('%026d', i % ${USERS}), 'applied', i, i, i, '' FROM n`;
  await inChunks(db, insert, count);
}

/**
 * Triggers and indexes would write rows for every letter. The indexes are made anew after it, and
 * what the triggers keep is written at once.
 */
async function withBareTable(db, table, work) {
  const list = `SELECT type, name, sql FROM sqlite_master
    WHERE type IN ('trigger', 'index') AND tbl_name = ?1 AND sql IS NOT NULL`;
  const { results } = await db.prepare(list).bind(table).all();
  for (const { type, name } of results) await db.prepare(`DROP ${type} ${name}`).run();
  await work();
  for (const { sql } of results) await db.prepare(sql).run();
}

/** Makes every call; returns the rows and the milliseconds of each. */
async function callAll(url, rows) {
  const call = async (path, body) => {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const post = { method: "POST", headers, body: JSON.stringify(body) };
    const reply = await fetch(new URL(path, url), body ? post : { headers });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${path} answered ${reply.status}: ${text.slice(0, 200)}`);
    return text;
  };
  const figures = {};
  const count = async (name, ...request) => {
    const all = { read: [], written: [], ms: [] };
    let text;
    for (let i = 0; i < TIMES; i += 1) {
      const before = { ...rows, ms: performance.now() };
      text = await call(...request);
      all.read.push(rows.read - before.read);
      all.written.push(rows.written - before.written);
      all.ms.push(performance.now() - before.ms);
    }
    figures[name] = Object.fromEntries(Object.entries(all).map(([key, it]) => [key, median(it)]));
    return text;
  };
  for (const [name, path] of READS) await count(name, path);
  const plan = { action: "replay", filter: { all: true }, reason: "benchmark" };
  const { id } = JSON.parse(await count("plan", "/api/v1/replays", plan));
  await count("plan, next pages", `/api/v1/replays/${id}/continue`, {});
  for (const [name, path] of REPLAY_READS(id)) await count(name, path);
  return figures;
}

const [LETTER, DELIVERY] = [`m${"0".repeat(12)}`, `msg_${"0".repeat(27)}`];
const [FROM, UNTIL] = [20_000 * DAY_MS, 20_005 * DAY_MS];

/** Members of a filter, as a query. */
const MEMBERS = Object.entries({
  reason: "reason=reason-1",
  type: "type=user.type0",
  subject: `subject=${userId(1)}`,
  after: `after=${FROM}`,
  before: `before=${UNTIL}`,
});

/** No member, each alone, and each two, three, … of them together. */
const FILTERS = Array.from({ length: 2 ** MEMBERS.length }, (_, bits) =>
  MEMBERS.filter((_, place) => (bits >> place) % 2 === 1),
);

/** What reads only, by name. */
const READS = [
  ["overview", "/api/v1/overview"],
  ["whoami", "/api/v1/whoami"],
  ["matrix", "/api/v1/dead-letters/matrix"],
  ...FILTERS.map((filter) => {
    const names = filter.map(([name]) => name).join(" + ");
    const query = filter.map(([, text]) => text);
    const path = `/api/v1/dead-letters?${[...query, `limit=${LIMIT}`].join("&")}`;
    return [`letters${names === "" ? "" : ` by ${names}`}`, path];
  }),
  ["letter", `/api/v1/dead-letters/${LETTER}`],
  ["export", `/api/v1/dead-letters/export?limit=${LIMIT}`],
  ["explain a delivery", `/api/v1/explain/${DELIVERY}`],
  ["explain a user", `/api/v1/explain/${userId(1)}`],
  ["explain an organization", "/api/v1/explain/org_nobody"],
  ["explain a membership", "/api/v1/explain/orgmem_nobody"],
  ["explain a role", "/api/v1/explain/role_nobody"],
  ["explain a permission", "/api/v1/explain/perm_nobody"],
  ["audit", "/api/v1/audit"],
  ["audit head", "/api/v1/audit/head"],
  ["page /", "/"],
  ["page /dead-letters", "/dead-letters"],
  ["page of a cell", "/dead-letters?reason=reason-1&type=user.type0"],
  ["page of a letter", `/dead-letters/${LETTER}`],
  ["page of a user", `/users/${userId(1)}`],
  ["page /explain", `/explain?id=${DELIVERY}`],
  ["page /replays", "/replays"],
  ["page /audit", "/audit"],
];

const REPLAY_READS = (id) => [
  ["replays", "/api/v1/replays"],
  ["replay", `/api/v1/replays/${id}`],
  ["letters of a replay", `/api/v1/replays/${id}/letters?limit=${LIMIT}`],
  ["page of a replay", `/replays/${id}`],
];

/** Rows that a batch of 100 applied deliveries reads and writes: with the index, and without. */
async function writtenByABatch(system, sealer, rows) {
  const worker = await system.worker("rolecall-consumer");
  const batch = async () => {
    const users = Array.from({ length: BATCH }, (_, i) => userId(i % USERS));
    const deliveries = users.map((it) => delivery(updated(it)));
    const texts = await sealer.seal(system, deliveries);
    const timestamp = new Date();
    const messages = texts.map((body) => ({ id: randomUUID(), timestamp, attempts: 1, body }));
    const before = { ...rows };
    const { outcome } = await worker.queue("rolecall-events", messages);
    if (outcome !== "ok") throw new Error(outcome);
    return { read: rows.read - before.read, written: rows.written - before.written };
  };
  await batch();
  const indexed = await batch();
  await system.db.prepare("DROP INDEX deliveries_by_subject").run();
  return { messages: BATCH, indexed, without: await batch() };
}
