// What the types allow in an app. Only the compiler reads this file.

import type { ClerkAuth, GuardEnv, Roles } from "../../src/index.ts";
import { getRoles, getUserId, isMember, requireRole } from "../../src/index.ts";

declare class RoleCache {
  readonly __DURABLE_OBJECT_BRAND: never;
  fetch(request: Request): Promise<Response>;
}

/** As `wrangler types` writes it for a class of another Worker. */
declare const env: { ROLES: DurableObjectNamespace; DB: D1Database };
/** As it writes it for a class that it can import. */
declare const typed: { ROLES: DurableObjectNamespace<RoleCache & Rpc.DurableObjectBranded> };
declare const kv: { ROLES: KVNamespace };
declare const signedIn: ClerkAuth;

export const guards: Promise<void>[] = [
  requireRole(env, "user_1", "admin"),
  requireRole(typed, "user_1", "admin", { fresh: true, minVersion: 7 }),
];
export const guardEnv: GuardEnv = env;

/** The tutorial's guard has this type, except for the binding. */
export const tutorial: (
  environment: typeof env,
  userId: string,
  role: string,
) => Promise<void> = requireRole;

export const set: Promise<Roles> = getRoles(env, "user_1");
export const userId: string | null = getUserId(signedIn);

// @ts-expect-error another binding is not a Durable Object namespace
requireRole(kv, "user_1", "admin");
// @ts-expect-error a Worker needs the binding
requireRole({}, "user_1", "admin");
// @ts-expect-error a signed-out user has no id
requireRole(env, getUserId(signedIn), "admin");
// @ts-expect-error a promise is not an auth object
getUserId(Promise.resolve(signedIn));
// @ts-expect-error a promise is not roles
isMember(getRoles(env, "user_1"), { organization: "org_1" });
// @ts-expect-error roles are read-only
set.then((known) => known.roles.push("admin"));
