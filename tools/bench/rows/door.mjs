// Ingest: verify, project and enqueue a real `user.updated` of 4 KB. The peer verifies it and
// writes it to D1 before it answers.

import { delivery, updated } from "../support/events.mjs";
import { perSecond } from "../support/load.mjs";
import { rounds } from "../support/rounds.mjs";
import { extra, floor, ours, peer, start, userId } from "../support/system.mjs";

/** Users whose deliveries are sent in turn. */
const USERS = 256;

export const door = {
  title: "verify, project, enqueue a user.updated of 4 KB",
  unit: "requests/s",
  target: { text: "at least 1.2 × the peer", holds: ({ ratio }) => 1.2 <= ratio },
  async run(say) {
    const taken = { "rolecall-events": { maxBatchSize: 100, maxBatchTimeout: 1 } };
    const sink = extra("sink", { queueConsumers: taken });
    const system = await start([ours.ingest(), sink, peer(), floor()]);
    try {
      const drive = async (name) => {
        const url = await system.url(name);
        return (seconds) => {
          // Signed again for each turn: a signature is valid for five minutes.
          const bodies = Array.from({ length: USERS }, (_, i) => updated(userId(i)));
          return perSecond(url, bodies.map(delivery), seconds);
        };
      };
      const turns = await rounds(
        {
          ours: await drive("rolecall-ingest"),
          peer: await drive("peer"),
          floor: await drive("floor"),
        },
        say,
      );
      const [a, b, c] = [turns.ours.median, turns.peer.median, turns.floor.median];
      return { ours: a, peer: b, floor: c, ratio: a / b, detail: turns };
    } finally {
      await system.stop();
    }
  },
};
