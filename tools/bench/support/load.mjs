// Load: many connections at once to measure throughput, one to measure latency.

import { Agent, request as open } from "node:http";
import { text } from "node:stream/consumers";

import autocannon from "autocannon";

import { median } from "./numbers.mjs";

/** Concurrent requests: enough to keep one thread of workerd busy. */
const CONNECTIONS = 16;

/**
 * Measures requests per second; each connection sends `requests` in turn.
 *
 * @param {URL} url
 * @param {{method?: string, path: string, headers?: object, body?: string}[]} requests
 */
export async function perSecond(url, requests, seconds) {
  const ran = await autocannon({
    url: url.origin,
    connections: CONNECTIONS,
    duration: seconds,
    requests,
  });
  allWell(url, ran);
  return ran["2xx"] / ran.duration;
}

/**
 * Sends all `requests`, at most `CONNECTIONS` at once.
 *
 * @returns {Promise<number>} milliseconds until the last answer; autocannon itself ends on the next
 * full second
 */
export async function sendAll(url, requests) {
  const began = performance.now();
  let answeredAt = began;
  const running = autocannon({
    url: url.origin,
    connections: Math.min(CONNECTIONS, requests.length),
    amount: requests.length,
    requests: [{ setupRequest: oneAfterAnother(requests) }],
  });
  running.on("response", () => (answeredAt = performance.now()));
  allWell(url, await running);
  return answeredAt - began;
}

/** A contestant that rejects quickly must not win. */
function allWell(url, { errors, timeouts, non2xx }) {
  const failed = errors + timeouts + non2xx;
  if (failed !== 0) throw new Error(`${failed} requests to ${url} went wrong: nothing is measured`);
}

/** Sends each request once, on the next free connection. */
function oneAfterAnother(requests) {
  let next = 0;
  return (request) => {
    const at = Math.min(next, requests.length - 1);
    next += 1;
    return { ...request, ...requests[at] };
  };
}

/** A kept connection on which requests are timed one by one. */
export function stopwatch(url) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  return {
    /** Sends a request, and returns the body; a status other than 200 is an error. */
    async time({ path, headers }) {
      const began = performance.now();
      const answer = await new Promise((done, failed) => {
        open(new URL(path, url), { agent, headers }, done).on("error", failed).end();
      });
      const body = await text(answer);
      times.push(performance.now() - began);
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${body}`);
      return body;
    },
    median: () => median(times),
    forget: () => times.splice(0),
    close: () => agent.destroy(),
  };
}
