// A guard with a warm cache: `/api/check` with a valid session.

import { perSecond } from "../support/load.mjs";
import { rounds } from "../support/rounds.mjs";
import { checkOf, floor, ours, peer, seed, start, userId } from "../support/system.mjs";

/** Users who are checked in turn, each with a role cache and a session. */
const USERS = 64;

/** How long the isolate's own cache may answer, if it is on. */
const ISOLATE_MS = "10000";

export const guard = {
  title: "/api/check with a valid session, second level off",
  unit: "requests/s",
  target: { text: "at least 2.2 × the peer", holds: ({ ratio }) => 2.2 <= ratio },
  run: (say) => measure({}, say),
};

export const guardIsolate = {
  title: "the same, second level on",
  unit: "requests/s",
  target: {
    text: "at least 3.5 × the peer, and 75 % of the floor",
    holds: ({ ratio, ours, floor }) => 3.5 <= ratio && 0.75 * floor <= ours,
  },
  run: (say) => measure({ ROLES_ISOLATE_MS: ISOLATE_MS }, say),
};

async function measure(bindings, say) {
  const system = await start([ours.ssr(bindings), ours.durable(), peer(), floor()]);
  try {
    await seed(system, 0, USERS);
    const requests = Array.from({ length: USERS }, (_, i) => checkOf(userId(i)));
    const drive = async (name, asked = requests) => {
      const url = await system.url(name);
      return (seconds) => perSecond(url, asked, seconds);
    };
    const turns = await rounds(
      {
        ours: await drive("rolecall-ssr"),
        peer: await drive("peer"),
        floor: await drive("floor"),
        // The limit for a guard in Rust: the same Worker when it answers at once.
        rust: await drive("rolecall-ssr", [{ path: "/healthz" }]),
      },
      say,
    );
    const [a, b, c] = [turns.ours.median, turns.peer.median, turns.floor.median];
    return { ours: a, peer: b, floor: c, ratio: a / b, detail: turns };
  } finally {
    await system.stop();
  }
}
