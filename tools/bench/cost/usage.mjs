// From what a run counted to what is billed.

/** What cannot be counted here, each with its reason. */
export const ASSUMED = Object.freeze({
  /** Milliseconds that an object is active for a request that reads nothing: local runs show 1. */
  object_ms: 2,
  /** Milliseconds that an object waits for one answer of D1 in its region: D1's own page speaks of
   * milliseconds for a query; the way to the primary is most of it. */
  d1_ms: 20,
  /** Bytes of the line that Workers Logs writes by itself for each invocation. Cloudflare publishes
   * no size; lines in its docs have about a thousand bytes. */
  invocation_bytes: 1_000,
});

/** An object is billed as if it had 128 MB. */
const OBJECT_GB = 0.128;

/** The billed usage of one operation of `n` that were counted together. */
export function perOperation(counted, n, cpuMs) {
  const invocations = counted.requests + counted.batches + counted.crons;
  const calls = counted.object_requests + counted.object_alarms + counted.meter_requests;
  const activeMs = calls * ASSUMED.object_ms + counted.object_d1_calls * ASSUMED.d1_ms;
  const logged = counted.log_bytes + (invocations + calls) * ASSUMED.invocation_bytes;
  const deleted = counted.queue_read - counted.queue_again;
  const all = {
    requests: invocations,
    cpu_ms: cpuMs,
    queue_operations: counted.queue_written + counted.queue_read + deleted,
    d1_read: counted.d1_read,
    d1_written: counted.d1_written,
    object_requests: calls,
    object_gbs: (activeMs / 1_000) * OBJECT_GB,
    object_read: counted.object_read + counted.meter_read,
    object_written: counted.object_written + counted.meter_written,
    log_gb: logged / 1e9,
    points: counted.points,
  };
  return scaled(all, 1 / n);
}

/** `usage`, `times` times. */
export function scaled(usage, times) {
  return Object.fromEntries(Object.entries(usage).map(([key, value]) => [key, value * times]));
}

/** The sum of usages. */
export function added(...usages) {
  const sum = {};
  for (const usage of usages)
    for (const [key, value] of Object.entries(usage)) sum[key] = (sum[key] ?? 0) + value;
  return sum;
}

/** Rows of `canary_runs` that a run writes: begun, changed, taken, seen, removed after a day. */
const CANARY_ROWS = 5;

/** Looks at the role cache beside the hint: one before the change, and one after it. */
const CANARY_LOOKS = 2;

/**
 * One run of the canary. Nothing counts it: it is computed from what it is made of. A look is at
 * most a guard check of old roles, without the request of a Worker.
 */
export function canaryOf(delivery, refresh) {
  const looks = scaled({ ...refresh, requests: 0 }, CANARY_LOOKS);
  return added(delivery, looks, { d1_written: CANARY_ROWS });
}
