// The first check of a new user: a role cache is created, registers its watch and reads the
// database.

import { stopwatch } from "../support/load.mjs";
import { bare, checkOf, floor, ours, peer, seed, start, userId } from "../support/system.mjs";

/** Users, each checked once by each contestant in turn. */
const USERS = 400;

/** Checks before the measurement: isolates and their keys are warm, no user is. */
const WARM_UP = 50;

export const guardCold = {
  title: "the first check of a user never seen",
  unit: "ms, median",
  target: { text: "at most 1.5 × the peer's latency", holds: ({ ratio }) => ratio <= 1.5 },
  async run(say) {
    const system = await start([ours.ssr(), ours.durable(), peer(), floor(), bare()]);
    const watches = {};
    try {
      const count = WARM_UP + USERS;
      await seed(system, 0, count);
      await system.db.prepare("CREATE TABLE bare (user TEXT PRIMARY KEY, owner INTEGER)").run();
      for (const name of ["ours", "peer", "floor", "bare"]) {
        watches[name] = stopwatch(await system.url(name === "ours" ? "rolecall-ssr" : name));
      }
      for (let i = 0; i < count; i += 1) {
        if (i === WARM_UP) for (const watch of Object.values(watches)) watch.forget();
        if (i % 50 === 0) say(`user ${i} of ${count}`);
        const request = checkOf(userId(i));
        for (const watch of Object.values(watches)) {
          const answer = await watch.time(request);
          if (watch === watches.ours && JSON.parse(answer).source !== "fill")
            throw new Error(`a new user was already known: ${answer}`);
        }
      }
      const [a, b, c] = ["ours", "peer", "floor"].map((name) => watches[name].median());
      // The cost of the steps alone.
      const detail = { bare: watches.bare.median() };
      return { ours: a, peer: b, floor: c, ratio: a / b, detail };
    } finally {
      for (const watch of Object.values(watches)) watch.close();
      await system.stop();
    }
  },
};
