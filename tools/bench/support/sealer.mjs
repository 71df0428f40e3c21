// Encodes deliveries as ingest does, for benchmarks that need the queue's messages without the
// queue.

import { setImmediate } from "node:timers/promises";

import { Response } from "miniflare";

import { sendAll } from "./load.mjs";
import { extra, ours } from "./system.mjs";

/** The queue of ingest, instead of `rolecall-events`. */
const QUEUE = "sealed";

export class Sealer {
  #texts = [];

  /** Ingest and the Worker that takes its messages: start them with the others. */
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

  /** Returns the envelopes of deliveries, as strings. */
  async seal(system, requests) {
    this.#texts = [];
    await sendAll(await system.url("rolecall-ingest"), requests);
    while (this.#texts.length < requests.length) await setImmediate();
    return this.#texts;
  }
}
