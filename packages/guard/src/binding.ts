// The binding `ROLES`, as far as a guard uses it. Structural, so that the types of any version of
// the runtime fit.

/** The name that an object is found by, as the namespace gives it. */
export interface ObjectId {
  toString(): string;
}

/** How an object is asked, beside the address: by `GET`. */
export interface ObjectRequest {
  redirect: "manual";
  signal: AbortSignal;
}

/** What an object answers. */
export interface ObjectReply {
  readonly status: number;
  text(): Promise<string>;
}

/** One user's role cache. */
export interface ObjectStub {
  fetch(url: string, request: ObjectRequest): Promise<ObjectReply>;
}

/** The role caches: a `DurableObjectNamespace` of the class `RoleCache`. */
export interface RolesNamespace {
  idFromName(name: string): ObjectId;
  get(id: ObjectId): ObjectStub;
}

/** The part of a Worker's environment that a guard needs. */
export interface GuardEnv {
  /** Bound by `script_name = "rolecall-durable"`, `class_name = "RoleCache"`. */
  readonly ROLES: RolesNamespace;
}
