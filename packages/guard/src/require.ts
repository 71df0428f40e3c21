// The guards. Each resolves to nothing, or throws the `Response` that ends the request.

import type { GetRolesOptions } from "./get-roles.ts";
import { getRoles } from "./get-roles.ts";
import type { OrganizationPermission, OrganizationRef, OrganizationRole } from "./has.ts";
import {
  grantsOrganizationRole,
  grantsPermission,
  grantsRole,
  includesMembership,
} from "./has.ts";
import { forbiddenResponse } from "./responses.ts";
import type { GuardEnv } from "./role-caches.ts";

/** The options of a guard. */
export interface GuardOptions extends GetRolesOptions {
  /**
   * Whether somebody else acts as the user, as `isImpersonated` says. An impersonator is denied
   * what is administrative: `admin`, `org:admin` and `org:sys_…`. The default is `false`: then a
   * person who impersonates an administrator passes as one, because a guard cannot see it.
   */
  readonly impersonated?: boolean | undefined;
}

/**
 * Requires an app role.
 *
 * @throws {Response} 403 `forbidden` if the user lacks the role, or if the role is administrative
 *   and the user is impersonated; otherwise as `getRoles`.
 */
export async function requireRole(
  env: GuardEnv,
  userId: string,
  role: string,
  options: GuardOptions = {},
): Promise<void> {
  const roles = await getRoles(env, userId, options);
  if (!grantsRole(roles, role) || isDeniedByImpersonation(role, options)) {
    throw forbiddenResponse();
  }
}

/**
 * Requires a role in an organization.
 *
 * @throws {Response} 403 `forbidden` if the user lacks the role or the membership, if the
 *   organization is unknown, or if the role is administrative and the user is impersonated;
 *   otherwise as `getRoles`.
 */
export async function requireOrganizationRole(
  env: GuardEnv,
  userId: string,
  required: OrganizationRole,
  options: GuardOptions = {},
): Promise<void> {
  const roles = await getRoles(env, userId, options);
  if (!grantsOrganizationRole(roles, required) || isDeniedByImpersonation(required.role, options)) {
    throw forbiddenResponse();
  }
}

/**
 * Requires a permission in an organization.
 *
 * @throws {Response} as `requireOrganizationRole`.
 */
export async function requirePermission(
  env: GuardEnv,
  userId: string,
  required: OrganizationPermission,
  options: GuardOptions = {},
): Promise<void> {
  const roles = await getRoles(env, userId, options);
  if (!grantsPermission(roles, required) || isDeniedByImpersonation(required.permission, options)) {
    throw forbiddenResponse();
  }
}

/**
 * Requires a membership in an organization.
 *
 * @throws {Response} as `requireOrganizationRole`.
 */
export async function requireMembership(
  env: GuardEnv,
  userId: string,
  required: OrganizationRef,
  options: GuardOptions = {},
): Promise<void> {
  const roles = await getRoles(env, userId, options);
  if (!includesMembership(roles, required)) throw forbiddenResponse();
}

/** Implements the rule of `shared::guard`: an impersonator has no administrative access. */
function isDeniedByImpersonation(key: string, { impersonated }: GuardOptions): boolean {
  const isAdministrative = key === "admin" || key === "org:admin" || key.startsWith("org:sys_");
  return Boolean(impersonated) && isAdministrative;
}
