// Guards for TypeScript apps on Cloudflare Workers. They read Rolecall's role caches.
//
//   requireRole(env, userId, role)      throws a `Response` if the user lacks the role
//     └ get-roles.ts                    the roles of a user; 503 if they are unavailable
//         └ role-query.ts               retries, deadline, how long an answer is valid
//             └ wire.ts                 the wire format of the role cache
//
// If the roles are unavailable, access is denied: no error here lets a user pass.

export { catchResponses } from "./catch-responses.ts";
export type { ClerkAuth } from "./clerk.ts";
export { getUserId, isImpersonated } from "./clerk.ts";
export type { GetRolesOptions } from "./get-roles.ts";
export { getRoles } from "./get-roles.ts";
export type { OrganizationPermission, OrganizationRef, OrganizationRole } from "./has.ts";
export { hasOrganizationRole, hasPermission, hasRole, isMember } from "./has.ts";
export type { GuardOptions } from "./require.ts";
export {
  requireMembership,
  requireOrganizationRole,
  requirePermission,
  requireRole,
} from "./require.ts";
export type {
  GuardEnv,
  RoleCacheId,
  RoleCacheNamespace,
  RoleCacheRequest,
  RoleCacheResponse,
  RoleCacheStub,
} from "./role-caches.ts";
export type { Roles } from "./role-query.ts";
export type { Membership, RoleSource, UserStatus } from "./wire.ts";
