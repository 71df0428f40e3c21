// How many flushes a second one shard of Meter takes.

import { perSecond } from "../support/load.mjs";
import { rounds } from "../support/rounds.mjs";
import { extra, ours, start } from "../support/system.mjs";

const FLUSHES_MIN = 1_000;

export const meter = {
  title: "flushes of busy isolates of ssr to one shard of Meter",
  unit: "flushes/s",
  target: {
    text: `at least ${FLUSHES_MIN} flushes a second`,
    holds: ({ ours }) => FLUSHES_MIN <= ours,
  },
  async run(say) {
    const flusher = extra("flusher", {
      durableObjects: {
        METER: { className: "Meter", scriptName: "rolecall-durable" },
        FLOOR: { className: "Floor", useSQLite: true },
      },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    });
    const system = await start([ours.durable(), flusher]);
    try {
      const url = await system.url("flusher");
      const drive = (path) => (seconds) => perSecond(url, [{ path }], seconds);
      const turns = await rounds({ ours: drive("/meter"), floor: drive("/floor") }, say);
      return { ours: turns.ours.median, floor: turns.floor.median, detail: turns };
    } finally {
      await system.stop();
    }
  },
};
