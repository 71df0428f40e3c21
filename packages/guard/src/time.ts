// Waiting, bounded.

import { Unknowable } from "./unknowable.ts";

export function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}

/**
 * Runs `work` and gives what it gives, unless the time is over first: then the signal that it was
 * given is aborted.
 *
 * @throws {Unknowable} `timeout`, or what `work` throws.
 */
export async function within<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const aborting = new AbortController();
  const { signal } = aborting;
  const timeout = new Unknowable("timeout", `no answer within ${ms} ms`);
  const timer = setTimeout(() => aborting.abort(timeout), ms);
  const over = new Promise<never>((_, fail) => {
    signal.addEventListener("abort", () => fail(timeout));
  });
  try {
    return await Promise.race([work(signal), over]);
  } finally {
    clearTimeout(timer);
  }
}
