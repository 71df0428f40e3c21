// Events as Clerk sends them: fixtures with other ids, times and values, so that the Workers always
// get the whole payload of a real event.

import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

const FIXTURES = new URL("../../fixtures/clerk-events/", import.meta.url);

/** Returns every event fixture, byte for byte. */
export function fixtures() {
  const files = readdirSync(FIXTURES, { recursive: true }).sort();
  const events = files.filter((file) => file.endsWith(".json") && !file.includes("_schemas"));
  return events.map((file) => {
    const bytes = readFileSync(new URL(file, FIXTURES));
    return { file, bytes, event: JSON.parse(bytes) };
  });
}

function fixture(file) {
  return JSON.parse(readFileSync(new URL(file, FIXTURES)));
}

const OPENAPI = "openapi-2025-04-15";
const USER = fixture("captured/user.created.2025-04.anonymised.json");

/** Makes a new id of a kind: `user`, `org`, `orgmem`, `role`, `perm`. */
export function newId(kind) {
  return `${kind}_2${randomBytes(13).toString("hex")}`;
}

let last = Date.now() - 1_800_000;

/** Returns a time later than every one before, within the past half hour. */
export function later() {
  last += 1_000;
  return last;
}

function event(type, data, at) {
  const { event_attributes, object } = USER;
  const instance_id = USER.instance_id;
  return { data, event_attributes, instance_id, object, timestamp: at + 18, type };
}

function written(noun, verb, base, id, fields, at) {
  const data = { ...base.data, id, created_at: at - 18, updated_at: at, ...fields };
  return event(`${noun}.${verb}`, data, at);
}

/**
 * `user.created` or `user.updated`; `fields` are those of the payload, for example
 * `public_metadata`.
 */
export function user(id, fields = {}, { verb = "created", at = later() } = {}) {
  return written("user", verb, USER, id, fields, at);
}

/** `user.updated` with an app role in the user's metadata. */
export function withRole(id, role, { at } = {}) {
  return user(id, { public_metadata: { role } }, { verb: "updated", at });
}

export function organization(id, fields = {}, { verb = "created", at = later() } = {}) {
  const base = fixture(`${OPENAPI}/organization.created.json`);
  return written("organization", verb, base, id, fields, at);
}

/** A membership of `user` in `org`; it contains its organization, as in Clerk. */
export function membership(id, { org, user: member, ...fields }, how = {}) {
  const { verb = "created", at = later() } = how;
  const base = fixture(`${OPENAPI}/organizationMembership.created.json`);
  const of = { ...base.data.organization, id: org, created_at: at - 18, updated_at: at - 18 };
  const who = { ...base.data.public_user_data, user_id: member };
  const all = { organization: { ...of, ...how.organization }, public_user_data: who, ...fields };
  return written("organizationMembership", verb, base, id, all, at);
}

export function role(id, { key, permissions = [], ...fields }, how = {}) {
  const { verb = "created", at = later() } = how;
  const base = fixture(`${OPENAPI}/role.created.json`);
  const [carried] = base.data.permissions;
  const all = permissions.map((permission) => ({ ...carried, ...permission }));
  return written("role", verb, base, id, { key, permissions: all, ...fields }, at);
}

export function permission(id, fields, { verb = "created", at = later() } = {}) {
  return written("permission", verb, fixture(`${OPENAPI}/permission.created.json`), id, fields, at);
}

/** A deletion: except for memberships it has only the id and little more. */
export function deleted(noun, id, { at = later() } = {}) {
  const base = fixture(`${OPENAPI}/${noun}.deleted.json`);
  return event(`${noun}.deleted`, { ...base.data, id }, at);
}

/** The deletion of a membership is the whole membership, with the time of its last update. */
export function membershipDeleted(created, { at = later() } = {}) {
  return { ...created, type: "organizationMembership.deleted", timestamp: at };
}
