// Waiting for what happens behind a queue: asked again and again until it is so, never slept for.

import { setTimeout as pause } from "node:timers/promises";

/** Generous: it is only reached when something is wrong. */
const DEADLINE_MS = 20_000;

const EVERY_MS = 25;

/**
 * Asks until the answer is truthy, and gives it.
 *
 * @param {string} what is waited for: the message when it never comes.
 * @param {() => any} ask may throw as long as it is not yet so.
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
