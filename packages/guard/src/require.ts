// The guards: each resolves to nothing, or throws the `Response` that ends the request.

import type { GuardEnv } from "./binding.ts";
import {
  carriesMembership,
  carriesOrganizationRole,
  carriesPermission,
  carriesRole,
} from "./has.ts";
import type { InOrganization, OrganizationPermission, OrganizationRole } from "./has.ts";
import { forbidden } from "./refuse.ts";
import { roles } from "./roles.ts";
import type { RolesOptions } from "./roles.ts";

/**
 * Lets a user pass who has an app role.
 *
 * @throws {Response} 403 `forbidden` when the role is lacking; otherwise as `roles`.
 */
export async function requireRole(
  env: GuardEnv,
  userId: string,
  role: string,
  options?: RolesOptions,
): Promise<void> {
  if (!carriesRole(await roles(env, userId, options), role)) throw forbidden();
}

/**
 * Lets a user pass who has a role in an organization.
 *
 * @throws {Response} 403 `forbidden` when the role or the membership is lacking, or the
 *   organization is unknown; otherwise as `roles`.
 */
export async function requireOrganizationRole(
  env: GuardEnv,
  userId: string,
  asked: OrganizationRole,
  options?: RolesOptions,
): Promise<void> {
  if (!carriesOrganizationRole(await roles(env, userId, options), asked)) throw forbidden();
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
  options?: RolesOptions,
): Promise<void> {
  if (!carriesPermission(await roles(env, userId, options), asked)) throw forbidden();
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
  options?: RolesOptions,
): Promise<void> {
  if (!carriesMembership(await roles(env, userId, options), asked)) throw forbidden();
}
