// Guards for TypeScript apps on Cloudflare Workers, over Rolecall's role caches.
//
//   requireRole(env, userId, role)      asks the user's object, and throws a `Response` or not
//     └ roles.ts                        whose roles; what cannot be known is 503
//         └ ask.ts                      tries, deadline, how long an answer holds
//             └ wire.ts                 the object's contract, read by hand
//
// Whatever is not known is refused: no error on this path opens a page.

export { answering } from "./answering.ts";
export type { Roles } from "./ask.ts";
export type {
  GuardEnv,
  ObjectId,
  ObjectReply,
  ObjectRequest,
  ObjectStub,
  RolesNamespace,
} from "./binding.ts";
export type { ClerkAuth } from "./clerk.ts";
export { isImpersonated, userIdFrom } from "./clerk.ts";
export type { InOrganization, OrganizationPermission, OrganizationRole } from "./has.ts";
export { hasOrganizationRole, hasPermission, hasRole, isMember } from "./has.ts";
export type { GuardOptions } from "./require.ts";
export {
  requireMembership,
  requireOrganizationRole,
  requirePermission,
  requireRole,
} from "./require.ts";
export type { RolesOptions } from "./roles.ts";
export { roles } from "./roles.ts";
export type { Membership, Source, Standing } from "./wire.ts";
