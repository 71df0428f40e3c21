// The cost of each operation with more and more users: its time on the plain Workers, its rows on
// the same Workers with a database that counts them.

import { counter } from "../support/counter.mjs";
import { each } from "../support/each.mjs";
import { delivery, updated } from "../support/events.mjs";
import { stopwatch } from "../support/load.mjs";
import { Sealer } from "../support/sealer.mjs";
import { checkOf, ours, seed, start, userId } from "../support/system.mjs";
import { CHANGES, changes } from "./changes.mjs";

const OPERATIONS = ["guard", "fill", "apply"];

/** Users in the database. */
const SIZES = [1_000, 100_000, 1_000_000];

/** How often each operation is timed, and how often its rows are counted. */
const TIMED = { fill: 200, guard: 400, apply: 40 };
const COUNTED = { fill: 10, guard: 10, apply: 5 };

/** Messages in a batch. */
const BATCH = 100;

/** The limit of the time at the largest size, relative to the smallest. */
const GROWTH_MAX = 1.5;

export const scale = {
  title: `guard, cold fill, batch of ${BATCH}: time at 10^6 users to time at 10^3`,
  unit: "× for the worst of the three",
  target: {
    text: `at most ${GROWTH_MAX} ×, and no more rows read, by these and by changes`,
    holds: ({ ratio, detail }) => ratio <= GROWTH_MAX && !detail.grows,
  },
  async run(say) {
    const at = [];
    for (const size of SIZES) at.push(await measure(size, (text) => say(`${size} users: ${text}`)));
    const [first, last] = [at[0], at.at(-1)];
    const all = [...OPERATIONS, ...CHANGES];
    const growths = Object.fromEntries(all.map((it) => [it, last[it].ms / first[it].ms]));
    const grows = all.some((it) => at.some((one) => first[it].read < one[it].read));
    const ratio = Math.max(...OPERATIONS.map((it) => growths[it]));
    return { ours: ratio, ratio, detail: { growths, grows, at } };
  },
};

async function measure(size, say) {
  const rows = { read: 0, written: 0 };
  const sealer = new Sealer();
  const hand = { d1Databases: undefined, wrappedBindings: { DB: "counted-database" } };
  const ROLES = { className: "RoleCache", scriptName: "durable-counted", useSQLite: true };
  const system = await start([
    ours.ssr(),
    ours.durable(),
    ours.consumer({ queueConsumers: undefined }),
    { ...ours.ssr(), name: "ssr-counted", durableObjects: { ROLES } },
    ours.durable({ name: "durable-counted", ...hand }),
    ours.consumer({ name: "consumer-counted", queueConsumers: undefined, ...hand }),
    ...sealer.workers,
    counter(rows),
  ]);
  try {
    say("seed");
    await seed(system, 0, size);
    say("time");
    const timed = await operate(system, sealer, size, TIMED, {
      ssr: "rolecall-ssr",
      consumer: "rolecall-consumer",
      value: () => performance.now(),
      asked: 0,
    });
    say("count");
    const counted = { ssr: "ssr-counted", consumer: "consumer-counted" };
    const count = (name, asked) =>
      operate(system, sealer, size, COUNTED, { ...counted, asked, value: () => rows[name] });
    const read = await count("read", TIMED.fill);
    const written = await count("written", TIMED.fill + COUNTED.fill);
    const figures = (it) => ({ ms: timed[it], read: read[it], written: written[it] });
    const these = Object.fromEntries(OPERATIONS.map((it) => [it, figures(it)]));
    return { users: size, ...these, ...(await changes(system, sealer, size, rows, say)) };
  } finally {
    await system.stop();
  }
}

/**
 * Runs each operation as often as `times` says, and returns the median increase of `value`. `asked`
 * is the number of users queried before: a cold fill needs a new one.
 */
async function operate(system, sealer, size, times, { ssr, consumer, value, asked }) {
  const watch = stopwatch(await system.url(ssr));
  // Spread over all users: neighbours would share pages of the database.
  const user = (i) => userId((i * 7_919) % size);
  const requests = Array.from({ length: times.fill }, (_, i) => checkOf(user(asked + i)));
  const fill = await each(requests, value, (request) => watch.time(request));
  const again = Array.from({ length: times.guard }, (_, i) => requests[i % times.fill]);
  const guard = await each(again, value, (request) => watch.time(request));
  watch.close();

  // From the other half: a watched user would cost one row more.
  const other = (i) => user(size / 2 + (i % (size / 2)));
  const users = Array.from({ length: times.apply * BATCH }, (_, i) => other(i));
  const texts = await sealer.seal(system, users.map((it) => delivery(updated(it))));
  const message = (body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body });
  const messages = texts.map(message);
  const at = (i) => messages.slice(i * BATCH, (i + 1) * BATCH);
  const batches = Array.from({ length: times.apply }, (_, i) => at(i));
  const worker = await system.worker(consumer);
  const apply = await each(batches, value, async (batch) => {
    const { outcome, explicitAcks } = await worker.queue("rolecall-events", batch);
    if (outcome !== "ok" || explicitAcks.length !== batch.length) throw new Error(outcome);
  });
  return { fill, guard, apply };
}
