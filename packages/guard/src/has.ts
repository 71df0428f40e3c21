// What a role set grants, by the rules of `shared::guard`. Invalid arguments are never granted.

import type { Roles } from "./role-query.ts";
import { isStillValid } from "./role-query.ts";
import type { Membership, RoleSet } from "./wire.ts";

/** An organization. */
export interface OrganizationRef {
  /** Its id, `org_…`. */
  readonly organization: string;
}

/** A role inside one organization. */
export interface OrganizationRole extends OrganizationRef {
  /** Its key, `org:…`. */
  readonly role: string;
}

/** A permission inside one organization. */
export interface OrganizationPermission extends OrganizationRef {
  /** Its key, `org:<feature>:<action>`. */
  readonly permission: string;
}

/** Returns whether the user has an app role. `false` once `roles` has expired. */
export function hasRole(roles: Roles, role: string): boolean {
  return isUsable(roles) && grantsRole(roles, role);
}

/** Returns whether the user has a role in an organization. `false` once `roles` has expired. */
export function hasOrganizationRole(roles: Roles, required: OrganizationRole): boolean {
  return isUsable(roles) && grantsOrganizationRole(roles, required);
}

/** Returns whether the user has a permission in an organization. `false` if `roles` has expired. */
export function hasPermission(roles: Roles, required: OrganizationPermission): boolean {
  return isUsable(roles) && grantsPermission(roles, required);
}

/** Returns whether the user is a member of an organization. `false` once `roles` has expired. */
export function isMember(roles: Roles, required: OrganizationRef): boolean {
  return isUsable(roles) && includesMembership(roles, required);
}

/** Returns whether the user may have access at all: not banned and not deleted. */
export function mayHaveAccess({ userStatus }: RoleSet): boolean {
  return userStatus === "live" || userStatus === "unknown";
}

/** An `org:` role is valid only inside an organization, so it is never granted as an app role. */
export function grantsRole({ roles }: RoleSet, role: string): boolean {
  return isKey(role) && !role.startsWith("org:") && roles.includes(role);
}

export function grantsOrganizationRole(
  set: RoleSet,
  { organization, role }: OrganizationRole,
): boolean {
  return isKey(role) && someMembership(set, organization, (it) => it.role === role);
}

export function grantsPermission(
  set: RoleSet,
  { organization, permission }: OrganizationPermission,
): boolean {
  const hasIt = ({ permissions }: Membership) => permissions.includes(permission);
  return isKey(permission) && someMembership(set, organization, hasIt);
}

export function includesMembership(set: RoleSet, { organization }: OrganizationRef): boolean {
  return someMembership(set, organization, () => true);
}

function someMembership(
  { organizations }: RoleSet,
  organization: string,
  matches: (membership: Membership) => boolean,
): boolean {
  return isKey(organization) && organizations.some((it) => it.id === organization && matches(it));
}

function isUsable(roles: Roles): boolean {
  return isStillValid(roles) && mayHaveAccess(roles);
}

/** Checked at run time, because JavaScript callers may pass other types. */
function isKey(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
