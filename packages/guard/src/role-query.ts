// Queries the role cache of one user: retries, deadline, and how long an answer is valid.

import { RolesUnavailableError } from "./errors.ts";
import type { GuardEnv, RoleCacheNamespace, RoleCacheResponse } from "./role-caches.ts";
import { sleep, withTimeout } from "./time.ts";
import type { RoleQuery, RoleSet, RoleSource } from "./wire.ts";
import { buildQueryUrl, parseRefusalReason, parseRoleAnswer } from "./wire.ts";

/** The roles of a user, and how long they are valid. */
export interface Roles extends RoleSet {
  readonly userId: string;
  readonly source: RoleSource;
  /** Milliseconds since the database read that produced them was sent. */
  readonly ageMs: number;
  /** The last instant at which they are valid, in milliseconds on this Worker's clock. */
  readonly validUntilMs: number;
}

/**
 * The deadline for all tries together. Long enough for a database read with retries, short enough
 * that users do not give up before they see an answer.
 */
const ROLE_QUERY_TIMEOUT_MS = 2_500;

/**
 * The pause before each retry. No jitter: a role cache is asked about one user only, so few
 * requests retry at once.
 */
const RETRY_PAUSES_MS = [50, 200] as const;

/**
 * Queries the role cache until it gives a valid answer.
 *
 * @throws {RolesUnavailableError} on every failure.
 */
export async function queryRoles(env: GuardEnv, query: RoleQuery): Promise<Roles> {
  const caches = getRoleCaches(env);
  return withTimeout(ROLE_QUERY_TIMEOUT_MS, async (signal) => {
    const roles = await queryWithRetries(caches, query, signal);
    if (isStillValid(roles)) return roles;
    // A role cache refreshes roles that expire soon, so the second answer is younger.
    const refreshed = await queryWithRetries(caches, query, signal);
    if (isStillValid(refreshed)) return refreshed;
    throw new RolesUnavailableError("stale", "two answers expired in transit");
  });
}

/** Returns whether roles have not expired yet. */
export function isStillValid({ validUntilMs }: Roles): boolean {
  return Date.now() <= validUntilMs;
}

/** Returns the binding. Its type is not enough: wrangler's configuration may lack it. */
function getRoleCaches(env: GuardEnv | null | undefined): RoleCacheNamespace {
  const caches: RoleCacheNamespace | null | undefined = env?.ROLES;
  if (caches) return caches;
  throw new RolesUnavailableError("unbound", "the binding ROLES is missing: add it in wrangler");
}

async function queryWithRetries(
  caches: RoleCacheNamespace,
  query: RoleQuery,
  signal: AbortSignal,
): Promise<Roles> {
  for (const pauseMs of RETRY_PAUSES_MS) {
    try {
      return await queryOnce(caches, query, signal);
    } catch (cause) {
      if (!(cause instanceof RetryableError)) throw cause;
    }
    await sleep(pauseMs);
    signal.throwIfAborted();
  }
  return queryOnce(caches, query, signal);
}

/** Uses a new stub for each try: a stub that threw may be broken. */
async function queryOnce(
  caches: RoleCacheNamespace,
  query: RoleQuery,
  signal: AbortSignal,
): Promise<Roles> {
  // Taken before the query is sent, so that the age is never too low.
  const sentAtMs = Date.now();
  const { status, body } = await sendQuery(caches, query, signal);
  if (status !== 200) {
    const reason = parseRefusalReason(body) ?? "no reason";
    throw new RolesUnavailableError("refused", `the role cache answered ${status}: ${reason}`);
  }
  const answer = parseRoleAnswer(body);
  if (answer === undefined) {
    throw new RolesUnavailableError("malformed", "the role cache's answer is malformed");
  }
  const { set, source, ageMs, validForMs } = answer;
  if (set.version < query.minVersion) {
    throw new RolesUnavailableError("below", "the answer's version is below minVersion");
  }
  const inTransitMs = Math.max(0, Date.now() - sentAtMs);
  return {
    ...set,
    userId: query.userId,
    source,
    ageMs: ageMs + inTransitMs,
    validUntilMs: sentAtMs + validForMs,
  };
}

async function sendQuery(caches: RoleCacheNamespace, query: RoleQuery, signal: AbortSignal) {
  const request = { redirect: "manual", signal } as const;
  try {
    const stub = caches.get(caches.idFromName(query.userId));
    const response: RoleCacheResponse = await stub.fetch(buildQueryUrl(query), request);
    return { status: response.status, body: await response.text() };
  } catch (cause) {
    throw classifyError(cause);
  }
}

/** A failure that a new stub may not have. */
class RetryableError extends RolesUnavailableError {}

/**
 * Reads the properties that the Workers runtime sets on errors:
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/.
 */
function classifyError(cause: unknown): RolesUnavailableError {
  if (cause instanceof RolesUnavailableError) return cause;
  const getProperty = (name: string): unknown =>
    typeof cause === "object" && cause !== null ? Reflect.get(cause, name) : undefined;
  const message = cause instanceof Error ? cause.message : "the thrown value is not an Error";
  if (getProperty("overloaded")) {
    return new RolesUnavailableError("overloaded", message, { cause });
  }
  if (getProperty("retryable") === true) {
    return new RetryableError("unreachable", message, { cause });
  }
  return new RolesUnavailableError("unreachable", message, { cause });
}
