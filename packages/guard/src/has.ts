// What roles carry, by the rules of `shared::guard::permit`. Total: whatever is odd is not carried.

import type { Roles } from "./ask.ts";
import { isGood } from "./ask.ts";
import type { Membership, RoleSet } from "./wire.ts";

/** An organization. */
export interface InOrganization {
  /** Its id, `org_…`. */
  readonly organization: string;
}

/** A role inside one organization. */
export interface OrganizationRole extends InOrganization {
  /** Its key, `org:…`. */
  readonly role: string;
}

/** A permission inside one organization. */
export interface OrganizationPermission extends InOrganization {
  /** Its key, `org:<feature>:<action>`. */
  readonly permission: string;
}

/** Whether the user has an app role, as long as `roles` may be relied on. */
export function hasRole(roles: Roles, role: string): boolean {
  return counts(roles) && carriesRole(roles, role);
}

/** Whether the user has a role in an organization, as long as `roles` may be relied on. */
export function hasOrganizationRole(roles: Roles, asked: OrganizationRole): boolean {
  return counts(roles) && carriesOrganizationRole(roles, asked);
}

/** Whether the user may do this in an organization, as long as `roles` may be relied on. */
export function hasPermission(roles: Roles, asked: OrganizationPermission): boolean {
  return counts(roles) && carriesPermission(roles, asked);
}

/** Whether the user is a member of an organization, as long as `roles` may be relied on. */
export function isMember(roles: Roles, asked: InOrganization): boolean {
  return counts(roles) && carriesMembership(roles, asked);
}

/** Whether a session of this user is worth anything. */
export function admits({ standing }: RoleSet): boolean {
  return standing === "live" || standing === "unknown";
}

/** An `org:` role holds inside an organization; without one it is not carried. */
export function carriesRole({ roles }: RoleSet, role: string): boolean {
  return isKey(role) && !role.startsWith("org:") && roles.includes(role);
}

export function carriesOrganizationRole(
  set: RoleSet,
  { organization, role }: OrganizationRole,
): boolean {
  return isKey(role) && carries(set, organization, (membership) => membership.role === role);
}

export function carriesPermission(
  set: RoleSet,
  { organization, permission }: OrganizationPermission,
): boolean {
  const may = ({ permissions }: Membership) => permissions.includes(permission);
  return isKey(permission) && carries(set, organization, may);
}

export function carriesMembership(set: RoleSet, { organization }: InOrganization): boolean {
  return carries(set, organization, () => true);
}

function carries(
  { organizations }: RoleSet,
  organization: string,
  holds: (membership: Membership) => boolean,
): boolean {
  const is = (membership: Membership) => membership.id === organization && holds(membership);
  return isKey(organization) && organizations.some(is);
}

function counts(roles: Roles): boolean {
  return isGood(roles) && admits(roles);
}

/** The type says as much; a caller in JavaScript may not. */
function isKey(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
