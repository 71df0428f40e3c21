// Where one database and one cron end.

import { bytesOf } from "./month.mjs";

/** Limits, each from its page. */
export const LIMITS = Object.freeze({
  /** <https://developers.cloudflare.com/d1/platform/limits/>: 10 GB. */
  database_bytes: 10e9,
  /** The same page: about 1,000 queries a second if each takes a millisecond. */
  queries_per_s: 1_000,
  /** <https://developers.cloudflare.com/workers/platform/limits/>: subrequests of one invocation. */
  subrequests: 10_000,
  /** `ROLES_SOFT_MS`: an object that is asked reads D1 again after this time. */
  soft_s: 30,
});

/**
 * The points, from what was counted.
 *
 * @param {object} counted `queriesPerRefresh`, `hintsPerSweep`, `subrequestsPerHint`, `sweepMs`,
 *   and `bytes` as for `usageOf`
 */
export function breaking({ queriesPerRefresh, hintsPerSweep, sweepMs, subrequestsPerHint, bytes }) {
  const bytesPerUser = bytesOf(bytes);
  const hintsAllowed = LIMITS.subrequests / subrequestsPerHint;
  return {
    active_users: (LIMITS.queries_per_s * LIMITS.soft_s) / queriesPerRefresh,
    bytes_per_user: bytesPerUser,
    users_full: LIMITS.database_bytes / bytesPerUser,
    hints_per_sweep: hintsPerSweep,
    sweep_ms: sweepMs,
    minutes_per_million: 1e6 / hintsPerSweep,
    minutes_per_million_allowed: 1e6 / hintsAllowed,
  };
}
