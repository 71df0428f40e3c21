// Bytes of the database for a user, a membership, a delivery and a watch: the database before and
// after many of each, all of them through the door, the queue and the guard.

import { setTimeout as pause } from "node:timers/promises";

import * as clerk from "../../../../tests/workerd/support/clerk.mjs";
import { delivery } from "../../support/events.mjs";
import { sendAll, stopwatch } from "../../support/load.mjs";
import { checkOf, ours, start } from "../../support/system.mjs";

const USERS = Number(process.env.BENCH_USERS ?? 20_000);

/** Users who are checked once, and so watched. */
const WATCHED = Math.min(USERS, 2_000);

/** Requests that are made at once: each is signed, and a signature is valid for five minutes. */
const CHUNK = 5_000;

/** Members of an organization. */
const MEMBERS = 100;

export async function bytes(say) {
  const system = await start([ours.ingest(), ours.consumer(), ours.durable(), ours.ssr()]);
  try {
    const users = Array.from({ length: USERS }, () => clerk.newId("user"));
    const orgs = Array.from({ length: USERS / MEMBERS }, () => clerk.newId("org"));
    const sizes = [await size(system)];
    const after = async (text, event) => {
      say(`${USERS} of ${text}`);
      await deliver(system, users.map(event));
      sizes.push(await size(system));
    };
    await after("user.created", (user) => () => clerk.user(user));
    await after("user.updated", (user) => () => clerk.user(user, {}, { verb: "updated" }));
    await after("organizationMembership.created", (user, i) => () => {
      const org = orgs[Math.floor(i / MEMBERS)];
      return clerk.membership(clerk.newId("orgmem"), { org, user });
    });
    say(`${WATCHED} checks`);
    const watch = stopwatch(await system.url("rolecall-ssr"));
    for (const user of users.slice(0, WATCHED)) await watch.time(meOf(user));
    watch.close();
    sizes.push(await size(system));
    const [created, updated, joined] = [1, 2, 3].map((i) => (sizes[i] - sizes[i - 1]) / USERS);
    return {
      users: USERS,
      delivery: updated,
      user: created - updated,
      membership: joined - updated,
      watch: (sizes[4] - sizes[3]) / WATCHED,
    };
  } finally {
    await system.stop();
  }
}

/** A check that needs no role of the user. */
const meOf = (user) => ({ ...checkOf(user), path: "/api/me" });

async function deliver(system, events) {
  const url = await system.url("rolecall-ingest");
  const before = await rows(system);
  for (let at = 0; at < events.length; at += CHUNK) {
    const chunk = events.slice(at, at + CHUNK);
    await sendAll(url, chunk.map((event) => delivery(JSON.stringify(event()))));
  }
  while ((await rows(system)) < before + events.length) await pause(200);
}

/** What a query of the database answers. Miniflare's connection may end while it is idle. */
async function ask({ db }, sql, tries = 3) {
  try {
    return await db.prepare(sql).run();
  } catch (cause) {
    if (tries === 0) throw cause;
    return ask({ db }, sql, tries - 1);
  }
}

const rows = async (system) =>
  (await ask(system, "SELECT count(*) AS n FROM deliveries")).results[0].n;

/** As D1 says it. */
const size = async (system) => (await ask(system, "SELECT 1")).meta.size_after;
