// Gets the roles of a user from their role cache. If they are unavailable, it throws 503.

import { RolesUnavailableError } from "./errors.ts";
import { mayHaveAccess } from "./has.ts";
import { isUserId } from "./id.ts";
import { forbiddenResponse, unavailableResponse } from "./responses.ts";
import type { GuardEnv } from "./role-caches.ts";
import type { Roles } from "./role-query.ts";
import { queryRoles } from "./role-query.ts";
import type { RoleQuery } from "./wire.ts";

/** How fresh the roles must be. */
export interface GetRolesOptions {
  /** Read the database first, at most once per second and user. */
  readonly fresh?: boolean | undefined;
  /** Reject roles below this version, for example the version of an earlier answer. */
  readonly minVersion?: number | undefined;
}

/**
 * Returns the roles of a user, with their version, source and age. If no webhook about the user
 * has arrived yet, `userStatus` is `"unknown"`.
 *
 * @throws {Response} 403 `forbidden` if the user is banned or deleted, or if `userId` is not a user
 *   id.
 * @throws {Response} 503 with `Retry-After` if the roles are unavailable.
 * @throws {TypeError} if `minVersion` is not a version.
 */
export async function getRoles(
  env: GuardEnv,
  userId: string,
  options: GetRolesOptions = {},
): Promise<Roles> {
  const minVersion = options.minVersion ?? 0;
  if (!Number.isSafeInteger(minVersion) || minVersion < 0) {
    throw new TypeError("minVersion must be a non-negative integer");
  }
  // No role cache is queried with an invalid id: that would create a Durable Object.
  if (!isUserId(userId)) throw forbiddenResponse();
  const roles = await queryRolesOrThrow503(env, {
    userId,
    fresh: Boolean(options.fresh),
    minVersion,
  });
  if (!mayHaveAccess(roles)) throw forbiddenResponse();
  return roles;
}

async function queryRolesOrThrow503(env: GuardEnv, query: RoleQuery): Promise<Roles> {
  try {
    return await queryRoles(env, query);
  } catch (cause) {
    const reason = cause instanceof RolesUnavailableError ? cause.reason : "unreachable";
    const detail = cause instanceof Error ? cause.message : "the thrown value is not an Error";
    const fields = { reason, detail, "user.id": query.userId };
    console.warn({ message: "roles unavailable", ...fields });
    throw unavailableResponse();
  }
}
