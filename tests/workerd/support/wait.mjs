// Waits for results behind a queue: polls until they are there, without fixed sleeps.

import { setTimeout as pause } from "node:timers/promises";

/** Long: it is only reached if something is wrong. */
const DEADLINE_MS = 20_000;

const EVERY_MS = 25;

/**
 * Polls until the answer is truthy, and returns it.
 *
 * @param {string} what is waited for: the error message after the deadline.
 * @param {() => any} ask may throw until the result is there.
 */
export async function waitFor(what, ask, deadlineMs = DEADLINE_MS) {
  const end = Date.now() + deadlineMs;
  let last;
  do {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = undefined;
    } catch (cause) {
      last = cause;
    }
    await pause(EVERY_MS);
  } while (Date.now() < end);
  throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last });
}
