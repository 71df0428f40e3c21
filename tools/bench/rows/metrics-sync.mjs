// What counting and flushing costs the consumer: one with the binding METER, and one without it,
// each in a system of its own, because only one Worker can consume a queue.

import { delivery, updated } from "../support/events.mjs";
import { median } from "../support/numbers.mjs";
import { Sealer } from "../support/sealer.mjs";
import { ours, start, userId, withoutMeter } from "../support/system.mjs";
import { committed } from "./sync.mjs";

/** Events per turn, and turns of each side. */
const EVENTS = 2_000;
const TURNS = 30;

const LEAST = 0.97;

export const metricsSync = {
  title: `${EVENTS} events from the first message to the last commit, with metrics`,
  unit: "of the events/s without metrics",
  target: {
    text: `at least ${LEAST} of the events/s without metrics`,
    holds: ({ ours }) => LEAST <= ours,
  },
  async run(say) {
    const sides = {};
    try {
      sides.on = await side(ours.consumer());
      sides.off = await side(withoutMeter(ours.consumer()));
      const turns = { on: [], off: [] };
      // The first turn of each is a warm-up.
      for (let turn = 0; turn <= TURNS; turn += 1) {
        const users = Array.from({ length: EVENTS }, (_, i) => userId(turn * EVENTS + i));
        // Each side goes first half of the time: the second of a pair is a little faster.
        const order = turn % 2 === 0 ? ["on", "off"] : ["off", "on"];
        for (const name of order) {
          const { system, sealer } = sides[name];
          say(`turn ${turn} of ${TURNS}: ${name}`);
          const requests = users.map((user) => delivery(updated(user)));
          const speed = await committed(system, await sealer.seal(system, requests), EVENTS);
          if (0 < turn) turns[name].push(speed);
        }
      }
      // Of turns that follow each other: a slow phase of the machine affects both.
      const ratio = median(turns.on.map((speed, turn) => speed / turns.off[turn]));
      return { ours: ratio, detail: turns };
    } finally {
      await Promise.all(Object.values(sides).map(({ system }) => system.stop()));
    }
  },
};

async function side(consumer) {
  const sealer = new Sealer();
  return { sealer, system: await start([...sealer.workers, consumer, ours.durable()]) };
}
