// The object's contract: what is said to a role cache by `fetch`, and what it answers. The samples
// in tests/fixtures/wire pin it on this side and in `shared::object`, which writes the other side.

import { fieldOf, jsonOf, listOf, objectOf, textOf, wholeOf, wordOf } from "./narrow.ts";

/** Where a guard asks: `GET` with a question, get an answer, or another status with a reason. */
const ASK_URL = "https://role-cache/ask";

/** A guard's question. */
export interface Ask {
  /** Whose roles: the id that the object is named by. */
  readonly userId: string;
  /** Read the database first, at most once a second per object. */
  readonly fresh: boolean;
  /** Serve nothing below this version. */
  readonly minVersion: number;
}

const STANDINGS = ["unknown", "live", "banned", "dead"] as const;

/** What is known of a user, apart from the roles. `unknown`: the webhook is late. */
export type Standing = (typeof STANDINGS)[number];

const SOURCES = ["isolate", "object", "fill"] as const;

/** Where a set came from: `object` is the object's memory, `fill` a read of the database. */
export type Source = (typeof SOURCES)[number];

/** A live membership: the organization, the role in it, and what the role may do. */
export interface Membership {
  /** The organization's id, `org_…`. */
  readonly id: string;
  /** The role's key, `org:…`. */
  readonly role: string;
  /** Permission keys, `org:<feature>:<action>`. */
  readonly permissions: readonly string[];
}

/** What counts for one user at one version. */
export interface RoleSet {
  readonly version: number;
  readonly standing: Standing;
  /** App roles, which hold everywhere. */
  readonly roles: readonly string[];
  /** One of each organization. Were there several of one, each would be read. */
  readonly organizations: readonly Membership[];
}

/** The object's answer. */
export interface Answer {
  readonly set: RoleSet;
  readonly source: Source;
  /** Milliseconds since the read that the set rests on was sent. */
  readonly ageMs: number;
  /** Milliseconds for which it may still be relied on. */
  readonly goodForMs: number;
}

/** The address that asks a question: its JSON stands behind the `?`. */
export function askUrl({ userId, fresh, minVersion }: Ask): string {
  const compact = true; // As `setOf` reads it: no list of permissions stands in the answer twice.
  const text = JSON.stringify({ user_id: userId, fresh, min_version: minVersion, compact });
  return `${ASK_URL}?${encodeURIComponent(text)}`;
}

/** An answer, or `undefined` when any part of it is missing or is not what it should be. */
export function answerOf(text: string): Answer | undefined {
  const answer = objectOf(jsonOf(text));
  if (answer === undefined) return undefined;
  const set = setOf(fieldOf(answer, "set"));
  const source = wordOf(fieldOf(answer, "source"), SOURCES);
  const ageMs = wholeOf(fieldOf(answer, "age_ms"));
  const goodForMs = wholeOf(fieldOf(answer, "good_for_ms"));
  if (set === undefined || source === undefined) return undefined;
  if (ageMs === undefined || goodForMs === undefined || ageMs < 0) return undefined;
  return { set, source, ageMs, goodForMs };
}

/** The one word that an object refuses with, for the log. */
export function reasonOf(text: string): string | undefined {
  const refusal = objectOf(jsonOf(text));
  return refusal === undefined ? undefined : textOf(fieldOf(refusal, "reason"));
}

function setOf(value: unknown): RoleSet | undefined {
  const set = objectOf(value);
  if (set === undefined) return undefined;
  const version = wholeOf(fieldOf(set, "version"));
  const standing = wordOf(fieldOf(set, "standing"), STANDINGS);
  const roles = listOf(fieldOf(set, "roles"), textOf);
  const given = fieldOf(set, "lists");
  const lists = given === undefined ? [] : listOf(given, permissionsOf);
  if (lists === undefined) return undefined;
  const organizations = listOf(fieldOf(set, "organizations"), (it) => membershipOf(it, lists));
  if (version === undefined || standing === undefined) return undefined;
  if (roles === undefined || organizations === undefined) return undefined;
  return { version, standing, roles, organizations };
}

/** A membership has its permissions with it, or says which of `lists` they are. */
function membershipOf(
  value: unknown,
  lists: readonly (readonly string[])[],
): Membership | undefined {
  const membership = objectOf(value);
  if (membership === undefined) return undefined;
  const id = textOf(fieldOf(membership, "id"));
  const role = textOf(fieldOf(membership, "role"));
  const own = fieldOf(membership, "permissions");
  const list = fieldOf(membership, "list");
  if (own !== undefined && list !== undefined) return undefined;
  const permissions = list === undefined ? permissionsOf(own) : lists[wholeOf(list) ?? -1];
  if (id === undefined || role === undefined || permissions === undefined) return undefined;
  return { id, role, permissions };
}

function permissionsOf(value: unknown): readonly string[] | undefined {
  return listOf(value, textOf);
}
