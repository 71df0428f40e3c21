// The cost of a change if every user is watched and a member: one that affects nobody, a user with
// many new role names, a fill among many names, and a new default role.

import { readFileSync } from "node:fs";

import * as clerk from "../../../tests/workerd/support/clerk.mjs";
import { each } from "../support/each.mjs";
import { delivery } from "../support/events.mjs";
import { stopwatch } from "../support/load.mjs";
import { median } from "../support/numbers.mjs";
import { checkOf, userId } from "../support/system.mjs";

/** How often each is timed, how often its rows are counted, and how often a write is both. */
const TIMED = 10;
const COUNTED = 3;
const WRITTEN = 5;

const PERMISSIONS = 100;
const NEW_NAMES = 50;
const NAMES = 10_000;

/** Users who were queried before, by the other operations. */
const ASKED = 300;

/** Hints of one step, as `HINTS_PER_ROUND_MAX` of `shared/src/outbox.rs`. */
const STEP = 100;

/** Users watched by one statement: D1 limits a statement to half a minute. */
const CHUNK = 50_000;

const statement = (name) =>
  readFileSync(new URL(`../../../shared/src/sql/${name}.sql`, import.meta.url), "utf8");

let last = 0;
const next = () => (last += 1);
const permission = () => clerk.permission(clerk.newId("perm"), { key: `org:new${next()}:read` });

/** Changes through the consumer, one batch of events each. */
const EVENTS = {
  permissions: () => Array.from({ length: PERMISSIONS }, permission),
  permission: () => [permission()],
  role: () => {
    const permissions = [{ id: clerk.newId("perm"), key: `org:new${next()}:read` }];
    return [clerk.role(clerk.newId("role"), { key: `org:new${next()}`, permissions })];
  },
  names: () => {
    const roles = Array.from({ length: NEW_NAMES }, () => `new ${next()}`);
    return [clerk.user(clerk.newId("user"), { public_metadata: { roles } }, { verb: "updated" })];
  },
};

/** Changes that are written to the database directly. */
const WRITES = {
  name: (db) => [db.prepare("INSERT INTO roles (name) VALUES (?1)").bind(`new ${next()}`)],
  defaultRole: (db) => [db.prepare(statement("setting")).bind("default_role", `new ${next()}`)],
  step: (db) => [db.prepare(statement("catch_up_some")).bind(STEP)],
};

export const CHANGES = [...Object.keys(EVENTS), "fillAmongNames", ...Object.keys(WRITES)];

/**
 * Measures each change with `size` users, all of them watched and members.
 *
 * @returns {Promise<Record<string, {ms: number, read: number, written: number}>>}
 */
export async function changes(system, sealer, size, rows, say) {
  say("seed members, watches and names");
  await crowd(system.db, size);
  const figures = {};
  for (const [name, events] of Object.entries(EVENTS)) {
    say(name);
    const work = (worker, times, value) => hand(system, sealer, { worker, events, times, value });
    figures[name] = await both(work, rows);
  }
  say("fill among names");
  figures.fillAmongNames = await fills(system, size, rows);
  for (const [name, statements] of Object.entries(WRITES)) {
    say(name);
    figures[name] = await writes(system.db, statements);
  }
  return figures;
}

/** Makes every user a watched member of one of many organizations by one role; and many names. */
async function crowd(db, size) {
  const rank = "deleted, updated_at, event_at, projection, digest";
  const names = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
    INSERT INTO roles (name) SELECT 'name ' || i FROM n`;
  await db.prepare(names).bind(NAMES).run();
  for (let from = 0; from < size; from += CHUNK) {
    const range = [userId(from), userId(Math.min(from + CHUNK, size))];
    const members = `INSERT INTO memberships (id, org_id, user_id, role, permissions, ${rank})
      SELECT 'orgmem' || substr(u.id, 5), 'org_' || substr(u.id, 7, 23), u.id, 'org:member',
      '["org:own:read"]', 0, 1, 1, 1, '' FROM users u WHERE ?1 <= u.id AND u.id < ?2`;
    const watches = `INSERT INTO watches (user_id, owner, version, acked, everyone_version)
      SELECT u.id, 1, 1, 1, e.version FROM users u JOIN everyone e
      WHERE ?1 <= u.id AND u.id < ?2
      ON CONFLICT (user_id) DO NOTHING`;
    await db.prepare(members).bind(...range).run();
    await db.prepare(watches).bind(...range).run();
  }
}

/** The time on the plain Workers, the rows on those whose database counts them. */
async function both(work, rows) {
  const ms = await work("rolecall-consumer", TIMED, () => performance.now());
  const read = await work("consumer-counted", COUNTED, () => rows.read);
  const written = await work("consumer-counted", COUNTED, () => rows.written);
  return { ms, read, written };
}

async function hand(system, sealer, { worker, events, times, value }) {
  const consumer = await system.worker(worker);
  const all = Array.from({ length: times }, events);
  const sent = all.flat().map((event) => delivery(JSON.stringify(event)));
  // In any order: each event is about another entity.
  const texts = await sealer.seal(system, sent);
  const message = (body) => ({ id: `c${next()}`, timestamp: new Date(), attempts: 1, body });
  const messages = texts.map(message);
  const batches = all.map(({ length }, i) => messages.slice(i * length, (i + 1) * length));
  return each(batches, value, async (batch) => {
    const { outcome, explicitAcks } = await consumer.queue("rolecall-events", batch);
    if (outcome !== "ok" || explicitAcks.length !== batch.length) throw new Error(outcome);
  });
}

/** Fills of users whose watch has another owner: each takes the watch over. */
async function fills(system, size, rows) {
  let asked = ASKED;
  const fill = async (ssr, times, value) => {
    const watch = stopwatch(await system.url(ssr));
    const requests = Array.from({ length: times }, () => {
      asked += 1;
      return checkOf(userId((asked * 7_919) % size));
    });
    const added = await each(requests, value, (request) => watch.time(request));
    watch.close();
    return added;
  };
  const ms = await fill("rolecall-ssr", TIMED * 2, () => performance.now());
  const read = await fill("ssr-counted", COUNTED, () => rows.read);
  return { ms, read, written: await fill("ssr-counted", COUNTED, () => rows.written) };
}

/** As D1 counts them. */
async function writes(db, statements) {
  const metas = [];
  const times = Array.from({ length: WRITTEN });
  const ms = await each(times, () => performance.now(), async () => {
    const results = await db.batch(statements(db));
    metas.push(results.at(-1).meta);
  });
  const read = median(metas.map(({ rows_read }) => rows_read));
  return { ms, read, written: median(metas.map(({ rows_written }) => rows_written)) };
}
