// The guards: each resolves to nothing, or throws the `Response` that ends the request.

import type { GuardEnv } from "./binding.ts";
import type { InOrganization, OrganizationPermission, OrganizationRole } from "./has.ts";
import {
  carriesMembership,
  carriesOrganizationRole,
  carriesPermission,
  carriesRole,
} from "./has.ts";
import { forbidden } from "./refuse.ts";
import type { RolesOptions } from "./roles.ts";
import { roles } from "./roles.ts";

/** What a guard may be told besides. */
export interface GuardOptions extends RolesOptions {
  /**
   * Somebody else acts as the user, as `isImpersonated` says: what one administers with is refused
   * then, `admin`, `org:admin` and `org:sys_…`. Left out, it counts as `false`: one who acts as an
   * administrator passes as one, for no guard can see it.
   */
  readonly impersonated?: boolean | undefined;
}

/**
 * Lets a user pass who has an app role.
 *
 * @throws {Response} 403 `forbidden` when the role is lacking, or is one to administer with and
 *   the user is impersonated; otherwise as `roles`.
 */
export async function requireRole(
  env: GuardEnv,
  userId: string,
  role: string,
  options: GuardOptions = {},
): Promise<void> {
  const known = await roles(env, userId, options);
  if (!carriesRole(known, role) || isWithheld(role, options)) throw forbidden();
}

/**
 * Lets a user pass who has a role in an organization.
 *
 * @throws {Response} 403 `forbidden` when the role or the membership is lacking, the organization
 *   is unknown, or the role is one to administer with and the user is impersonated; otherwise as
 *   `roles`.
 */
export async function requireOrganizationRole(
  env: GuardEnv,
  userId: string,
  asked: OrganizationRole,
  options: GuardOptions = {},
): Promise<void> {
  const known = await roles(env, userId, options);
  if (!carriesOrganizationRole(known, asked) || isWithheld(asked.role, options)) throw forbidden();
}

/**
 * Lets a user pass whose role in an organization carries a permission.
 *
 * @throws {Response} as `requireOrganizationRole`.
 */
export async function requirePermission(
  env: GuardEnv,
  userId: string,
  asked: OrganizationPermission,
  options: GuardOptions = {},
): Promise<void> {
  const known = await roles(env, userId, options);
  if (!carriesPermission(known, asked) || isWithheld(asked.permission, options)) throw forbidden();
}

/**
 * Lets a member of an organization pass.
 *
 * @throws {Response} as `requireOrganizationRole`.
 */
export async function requireMembership(
  env: GuardEnv,
  userId: string,
  asked: InOrganization,
  options: GuardOptions = {},
): Promise<void> {
  if (!carriesMembership(await roles(env, userId, options), asked)) throw forbidden();
}

/** By the rule of `shared::guard`: who impersonates a user does not administer as them. */
function isWithheld(name: string, { impersonated }: GuardOptions): boolean {
  const isAdministrative = name === "admin" || name === "org:admin" || name.startsWith("org:sys_");
  return Boolean(impersonated) && isAdministrative;
}
