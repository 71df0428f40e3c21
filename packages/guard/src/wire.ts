// The wire format of the role cache: queries and answers. The samples in tests/fixtures/wire pin it
// on this side and in `shared`, which implements the other side.

import {
  asInteger,
  asObject,
  asOneOf,
  asString,
  getField,
  parseArray,
  parseJson,
} from "./parse.ts";

/** The URL of a query. The method is `GET`; a status other than 200 comes with a reason. */
const QUERY_URL = "https://role-cache/ask";

/** A query for the roles of a user. */
export interface RoleQuery {
  /** The user id, which is also the name of the Durable Object. */
  readonly userId: string;
  /** Read the database first, at most once per second and role cache. */
  readonly fresh: boolean;
  /** Reject answers below this version. */
  readonly minVersion: number;
}

const USER_STATUSES = ["unknown", "live", "banned", "dead"] as const;

/** The status of a user. `unknown`: no webhook has arrived yet. `dead`: the user is deleted. */
export type UserStatus = (typeof USER_STATUSES)[number];

const ROLE_SOURCES = ["isolate", "object", "fill"] as const;

/** Where the roles came from: `object` is the memory of the role cache, `fill` a database read. */
export type RoleSource = (typeof ROLE_SOURCES)[number];

/** A membership: the organization, the role in it, and the permissions of that role. */
export interface Membership {
  /** The organization's id, `org_…`. */
  readonly id: string;
  /** The role's key, `org:…`. */
  readonly role: string;
  /** Permission keys, `org:<feature>:<action>`. */
  readonly permissions: readonly string[];
}

/** The roles of one user at one version. */
export interface RoleSet {
  readonly version: number;
  readonly userStatus: UserStatus;
  /** App roles, valid everywhere. */
  readonly roles: readonly string[];
  /** Usually one per organization. If there are several, each one counts. */
  readonly organizations: readonly Membership[];
}

/** The answer of a role cache. */
export interface RoleAnswer {
  readonly set: RoleSet;
  readonly source: RoleSource;
  /** Milliseconds since the database read that produced the set was sent. */
  readonly ageMs: number;
  /** Milliseconds for which the set is still valid. */
  readonly validForMs: number;
}

/** Returns the URL of a query, with its JSON behind the `?`. */
export function buildQueryUrl({ userId, fresh, minVersion }: RoleQuery): string {
  const compact = true; // The answer contains each list of permissions once; see parseRoleSet.
  const text = JSON.stringify({ user_id: userId, fresh, min_version: minVersion, compact });
  return `${QUERY_URL}?${encodeURIComponent(text)}`;
}

/** Parses an answer. `undefined` if any part of it is missing or invalid. */
export function parseRoleAnswer(text: string): RoleAnswer | undefined {
  const answer = asObject(parseJson(text));
  if (answer === undefined) return undefined;
  const set = parseRoleSet(getField(answer, "set"));
  const source = asOneOf(getField(answer, "source"), ROLE_SOURCES);
  const ageMs = asInteger(getField(answer, "age_ms"));
  const validForMs = asInteger(getField(answer, "good_for_ms"));
  if (set === undefined || source === undefined) return undefined;
  if (ageMs === undefined || validForMs === undefined || ageMs < 0) return undefined;
  return { set, source, ageMs, validForMs };
}

/** Parses the reason of an answer whose status is not 200, for the log. */
export function parseRefusalReason(text: string): string | undefined {
  const body = asObject(parseJson(text));
  return body === undefined ? undefined : asString(getField(body, "reason"));
}

function parseRoleSet(value: unknown): RoleSet | undefined {
  const set = asObject(value);
  if (set === undefined) return undefined;
  const version = asInteger(getField(set, "version"));
  const userStatus = asOneOf(getField(set, "standing"), USER_STATUSES);
  const roles = parseArray(getField(set, "roles"), asString);
  const rawLists = getField(set, "lists");
  const lists = rawLists === undefined ? [] : parseArray(rawLists, parsePermissions);
  if (lists === undefined) return undefined;
  const parse = (it: unknown) => parseMembership(it, lists);
  const organizations = parseArray(getField(set, "organizations"), parse);
  if (version === undefined || userStatus === undefined) return undefined;
  if (roles === undefined || organizations === undefined) return undefined;
  return { version, userStatus, roles, organizations };
}

/** A membership contains its permissions, or the index of an element of `lists`. */
function parseMembership(
  value: unknown,
  lists: readonly (readonly string[])[],
): Membership | undefined {
  const membership = asObject(value);
  if (membership === undefined) return undefined;
  const id = asString(getField(membership, "id"));
  const role = asString(getField(membership, "role"));
  const own = getField(membership, "permissions");
  const index = getField(membership, "list");
  if (own !== undefined && index !== undefined) return undefined;
  const permissions = index === undefined ? parsePermissions(own) : lists[asInteger(index) ?? -1];
  if (id === undefined || role === undefined || permissions === undefined) return undefined;
  return { id, role, permissions };
}

function parsePermissions(value: unknown): readonly string[] | undefined {
  return parseArray(value, asString);
}
