// What the door makes of deliveries, for who needs the queue's messages and not the queue.

import { setImmediate } from "node:timers/promises";

import { Response } from "miniflare";

import { sendAll } from "./load.mjs";
import { extra, ours } from "./system.mjs";

/** The queue that the door sends to, in place of `rolecall-events`. */
const QUEUE = "sealed";

export class Sealer {
  #texts = [];

  /** The door, and who takes what it sends: to be started with the others. */
  get workers() {
    const TAKE = async (request) => {
      this.#texts.push(...(await request.json()));
      return new Response();
    };
    const queueConsumers = { [QUEUE]: { maxBatchSize: 100, maxBatchTimeout: 0 } };
    return [
      ours.ingest({ queueProducers: { EVENTS: { queueName: QUEUE } } }),
      extra("sink", { queueConsumers, serviceBindings: { TAKE } }),
    ];
  }

  /** The envelopes of deliveries, as texts. */
  async seal(system, requests) {
    this.#texts = [];
    await sendAll(await system.url("rolecall-ingest"), requests);
    while (this.#texts.length < requests.length) await setImmediate();
    return this.#texts;
  }
}
