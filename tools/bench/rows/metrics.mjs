// What counting and flushing costs: Workers with the binding METER, and the same without it.

import { delivery, updated } from "../support/events.mjs";
import { perSecond } from "../support/load.mjs";
import { median } from "../support/numbers.mjs";
import { rounds } from "../support/rounds.mjs";
import { checkOf, extra, ours, seed, start, userId, withoutMeter } from "../support/system.mjs";

/** Users of each contestant: two role caches must not compete for one user's watch. */
const USERS = 64;

/** Turns in each order, more than elsewhere: the difference is small. */
const TURNS = 7;

/** Both sides fill the local queue all the time. After some 100,000 messages it falls behind. */
const DOOR_TURNS = 3;

const LEAST = 0.97;

const ISOLATE = { ROLES_ISOLATE_MS: "10000" };

export const metrics = {
  title: "guard, guard-isolate and door with metrics, the worst of them",
  unit: "of the requests/s without metrics",
  target: {
    text: `at least ${LEAST} of the requests/s without metrics`,
    holds: ({ ours }) => LEAST <= ours,
  },
  async run(say) {
    const taken = { "rolecall-events": { maxBatchSize: 100, maxBatchTimeout: 1 } };
    const sink = extra("sink", { queueConsumers: taken });
    const system = await start([...workers("on"), ...workers("off").map(withoutMeter), sink]);
    try {
      await seed(system, 0, 2 * USERS);
      const detail = {};
      for (const what of ["guard", "guard-isolate", "door"]) {
        const contestant = async (side) => {
          const url = await system.url(`${what}-${side}`);
          return (seconds) => perSecond(url, requests(what, side), seconds);
        };
        const turns = what === "door" ? DOOR_TURNS : TURNS;
        const both = { on: await contestant("on"), off: await contestant("off") };
        // Each side goes first half of the time: the second of a pair is a little faster.
        const first = await rounds(both, (text) => say(`${what}: ${text}`), turns);
        const swapped = { off: both.off, on: both.on };
        const second = await rounds(swapped, (text) => say(`${what}: ${text}`), turns);
        const on = [...first.on.turns, ...second.on.turns];
        const off = [...first.off.turns, ...second.off.turns];
        // Of turns that follow each other: a slow phase of the machine affects both.
        const ratio = median(on.map((speed, turn) => speed / off[turn]));
        say(`${what}: ${ratio.toFixed(3)}`);
        detail[what] = { ratio, on, off };
      }
      return { ours: Math.min(...Object.values(detail).map(({ ratio }) => ratio)), detail };
    } finally {
      await system.stop();
    }
  },
};

/** The Workers of one side, with role caches of their own. `Meter` is that of the side `on`. */
function workers(side) {
  const durable = side === "on" ? "rolecall-durable" : "durable-off";
  const ROLES = { className: "RoleCache", scriptName: durable };
  const guard = (name, bindings) => {
    const worker = { ...ours.ssr(bindings), name };
    return { ...worker, durableObjects: { ...worker.durableObjects, ROLES } };
  };
  return [
    guard(`guard-${side}`),
    guard(`guard-isolate-${side}`, ISOLATE),
    ours.ingest({ name: `door-${side}` }),
    ours.durable({ name: durable }),
  ];
}

function requests(what, side) {
  const first = side === "on" ? 0 : USERS;
  const users = Array.from({ length: USERS }, (_, i) => userId(first + i));
  // A delivery's signature is valid for five minutes: it is made for each turn.
  return what === "door" ? users.map((user) => delivery(updated(user))) : users.map(checkOf);
}
