// Sleeping and timeouts.

import { RolesUnavailableError } from "./errors.ts";

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}

/**
 * Runs `work` with a timeout. When the time is over, the signal that `work` received is aborted.
 *
 * @throws {RolesUnavailableError} `timeout`, or what `work` throws.
 */
export async function withTimeout<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const timeout = new RolesUnavailableError("timeout", `no answer within ${ms} ms`);
  const timer = setTimeout(() => controller.abort(timeout), ms);
  const timedOut = new Promise<never>((_, fail) => {
    signal.addEventListener("abort", () => fail(timeout));
  });
  try {
    return await Promise.race([work(signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
