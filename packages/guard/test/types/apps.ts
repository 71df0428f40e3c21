// What an app's types allow, held by the compiler alone: this file is never run.

import type { ClerkAuth, GuardEnv, Roles } from "../../src/index.ts";
import { isMember, requireRole, roles, userIdFrom } from "../../src/index.ts";

declare class RoleCache {
  readonly __DURABLE_OBJECT_BRAND: never;
  fetch(request: Request): Promise<Response>;
}

/** As `wrangler types` writes it for a class of another script. */
declare const env: { ROLES: DurableObjectNamespace; DB: D1Database };
/** As it writes it for a class that it can see. */
declare const typed: { ROLES: DurableObjectNamespace<RoleCache & Rpc.DurableObjectBranded> };
declare const kv: { ROLES: KVNamespace };
declare const signedIn: ClerkAuth;

export const guards: Promise<void>[] = [
  requireRole(env, "user_1", "admin"),
  requireRole(typed, "user_1", "admin", { fresh: true, minVersion: 7 }),
];
export const guardEnv: GuardEnv = env;

/** The tutorial's guard has this type, but for the binding. */
export const tutorial: (
  environment: typeof env,
  userId: string,
  role: string,
) => Promise<void> = requireRole;

export const set: Promise<Roles> = roles(env, "user_1");
export const userId: string | null = userIdFrom(signedIn);

// @ts-expect-error another binding is no namespace of objects
requireRole(kv, "user_1", "admin");
// @ts-expect-error a Worker without the binding cannot ask
requireRole({}, "user_1", "admin");
// @ts-expect-error whoever is signed out is sent to sign in first
requireRole(env, userIdFrom(signedIn), "admin");
// @ts-expect-error the promise of an auth object is none
userIdFrom(Promise.resolve(signedIn));
// @ts-expect-error the promise of roles is none
isMember(roles(env, "user_1"), { organization: "org_1" });
// @ts-expect-error roles are not to be written
set.then((known) => known.roles.push("admin"));
