// From the first message to the last commit: ours through the queue in batches of 100, the peer
// with one request per delivery.

import { delivery, updated } from "../support/events.mjs";
import { sendAll } from "../support/load.mjs";
import { median } from "../support/numbers.mjs";
import { Sealer } from "../support/sealer.mjs";
import { ours, peer, start, userId } from "../support/system.mjs";

/** Events per turn, and turns of each contestant. */
const EVENTS = 5_000;
const TURNS = 3;

/** Messages per batch, `max_batch_size` of wrangler.toml. */
const BATCH = 100;

export const sync = {
  title: `${EVENTS} events of 4 KB from the first message to the last commit, batches of ${BATCH}`,
  unit: "events/s",
  target: { text: "at least 10 × the peer's", holds: ({ ratio }) => 10 <= ratio },
  async run(say) {
    const sealer = new Sealer();
    const system = await start([...sealer.workers, ours.consumer(), ours.durable(), peer()]);
    try {
      const turns = { ours: [], peer: [] };
      // The first turn of each is a warm-up.
      for (let turn = 0; turn <= TURNS; turn += 1) {
        const users = Array.from({ length: EVENTS }, (_, i) => userId(turn * EVENTS + i));
        const requests = users.map((user) => delivery(updated(user)));
        say(`turn ${turn} of ${TURNS}: ours`);
        const own = await committed(system, await sealer.seal(system, requests));
        say(`turn ${turn} of ${TURNS}: peer`);
        const others = await answered(system, requests);
        if (turn === 0) continue;
        turns.ours.push(own);
        turns.peer.push(others);
      }
      const [a, b] = [median(turns.ours), median(turns.peer)];
      return { ours: a, peer: b, ratio: a / b, detail: turns };
    } finally {
      await system.stop();
    }
  },
};

/** Ours: events per second through the queue and the consumer, in turns of as many events. */
export async function committed(system, texts, events = EVENTS) {
  const url = await system.url("hands");
  url.search = new URLSearchParams({ batch: BATCH, last: JSON.parse(texts.at(-1)).svix_id });
  await fetch(url, { method: "PUT", body: JSON.stringify(texts) });
  const began = performance.now();
  const { outcome } = await (await fetch(url, { method: "POST" })).json();
  const took = performance.now() - began;
  const [{ n }] = (await system.db.prepare(COUNT).all()).results;
  if (outcome !== "applied" || n % events !== 0) throw new Error(`${n} applied, then ${outcome}`);
  return (events * 1_000) / took;
}

const COUNT = "SELECT count(*) AS n FROM deliveries WHERE outcome = 'applied'";

/** The peer: events per second through its webhook. */
async function answered(system, requests) {
  return (EVENTS * 1_000) / (await sendAll(await system.url("peer"), requests));
}
