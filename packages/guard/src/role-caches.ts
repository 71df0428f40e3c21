// The part of the binding `ROLES` that a guard uses. These types are structural, so the types of
// every version of the Workers runtime match them.

/** The id of a role cache, as the namespace returns it. */
export interface RoleCacheId {
  toString(): string;
}

/** The options of a query. The method is always `GET`. */
export interface RoleCacheRequest {
  redirect: "manual";
  signal: AbortSignal;
}

/** What a role cache answers. */
export interface RoleCacheResponse {
  readonly status: number;
  text(): Promise<string>;
}

/** The role cache of one user. */
export interface RoleCacheStub {
  fetch(url: string, request: RoleCacheRequest): Promise<RoleCacheResponse>;
}

/** All role caches: a `DurableObjectNamespace` of the class `RoleCache`. */
export interface RoleCacheNamespace {
  idFromName(name: string): RoleCacheId;
  get(id: RoleCacheId): RoleCacheStub;
}

/** The part of a Worker's environment that a guard needs. */
export interface GuardEnv {
  /** Bound by `script_name = "rolecall-durable"`, `class_name = "RoleCache"`. */
  readonly ROLES: RoleCacheNamespace;
}
