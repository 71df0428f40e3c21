// One question to one user's object: how often it is asked, how long it has, how long what it
// answers holds.

import type { GuardEnv, ObjectReply, RolesNamespace } from "./binding.ts";
import { pause, within } from "./time.ts";
import { Unknowable } from "./unknowable.ts";
import type { Ask, RoleSet, Source } from "./wire.ts";
import { answerOf, askUrl, reasonOf } from "./wire.ts";

/** The roles that count for a user, and how far they can be relied on. */
export interface Roles extends RoleSet {
  readonly userId: string;
  readonly source: Source;
  /** Milliseconds since the read that they rest on was sent. */
  readonly ageMs: number;
  /** The last instant at which they may be relied on, in milliseconds on this Worker's clock. */
  readonly goodUntilMs: number;
}

/**
 * All the time that the object gets. Long enough for a fill from a database in trouble, short
 * enough that a person is told before they leave.
 */
const ANSWER_MS_MAX = 2_500;

/**
 * Before each further try. Without jitter: an object is asked about one user alone, so there is no
 * crowd to spread.
 */
const PAUSES_MS = [50, 200] as const;

/**
 * Asks until the answer is good.
 *
 * @throws {Unknowable} whatever went wrong.
 */
export async function askInTime(env: GuardEnv, ask: Ask): Promise<Roles> {
  const objects = bound(env);
  return within(ANSWER_MS_MAX, async (signal) => {
    const roles = await askRepeatedly(objects, ask, signal);
    if (isGood(roles)) return roles;
    // The object refreshes a set that is about to run out, so the second answer is a younger one.
    const again = await askRepeatedly(objects, ask, signal);
    if (isGood(again)) return again;
    throw new Unknowable("stale", "the answer ran out on its way, twice");
  });
}

/** Whether roles may still be relied on. */
export function isGood({ goodUntilMs }: Roles): boolean {
  return Date.now() <= goodUntilMs;
}

/** The binding. The type promises it; a mistake in wrangler's configuration breaks that promise. */
function bound(env: GuardEnv | null | undefined): RolesNamespace {
  const objects: RolesNamespace | null | undefined = env?.ROLES;
  if (objects) return objects;
  throw new Unknowable("unbound", "the Worker has no binding ROLES");
}

async function askRepeatedly(
  objects: RolesNamespace,
  ask: Ask,
  signal: AbortSignal,
): Promise<Roles> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await askOnce(objects, ask, signal);
    } catch (cause) {
      if (!(cause instanceof Retryable)) throw cause;
    }
    await pause(pauseMs);
    signal.throwIfAborted();
  }
  return askOnce(objects, ask, signal);
}

/** Each try has a stub of its own: one that threw may be broken. */
async function askOnce(objects: RolesNamespace, ask: Ask, signal: AbortSignal): Promise<Roles> {
  // The instant before the question: the age of what comes back counts from here at the latest.
  const askedAtMs = Date.now();
  const { status, body } = await sent(objects, ask, signal);
  if (status !== 200) {
    const reason = reasonOf(body) ?? "no reason";
    throw new Unknowable("refused", `the object refused with ${status}: ${reason}`);
  }
  const answer = answerOf(body);
  if (answer === undefined) throw new Unknowable("malformed", "the answer cannot be read");
  const { set, source, ageMs, goodForMs } = answer;
  if (set.version < ask.minVersion) {
    throw new Unknowable("below", "the answer is below the version asked for");
  }
  const onItsWayMs = Math.max(0, Date.now() - askedAtMs);
  return {
    ...set,
    userId: ask.userId,
    source,
    ageMs: ageMs + onItsWayMs,
    goodUntilMs: askedAtMs + goodForMs,
  };
}

async function sent(objects: RolesNamespace, ask: Ask, signal: AbortSignal) {
  const request = { redirect: "manual", signal } as const;
  try {
    const stub = objects.get(objects.idFromName(ask.userId));
    const reply: ObjectReply = await stub.fetch(askUrl(ask), request);
    return { status: reply.status, body: await reply.text() };
  } catch (cause) {
    throw failureOf(cause);
  }
}

/** The object failed in a way that a new stub may help against. */
class Retryable extends Unknowable {}

/**
 * What the runtime says of a failure, on the error itself:
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/.
 */
function failureOf(cause: unknown): Unknowable {
  if (cause instanceof Unknowable) return cause;
  const says = (word: string): unknown =>
    typeof cause === "object" && cause !== null ? Reflect.get(cause, word) : undefined;
  const message = cause instanceof Error ? cause.message : "the object threw no error";
  if (says("overloaded")) return new Unknowable("overloaded", message, { cause });
  if (says("retryable") === true) return new Retryable("unreachable", message, { cause });
  return new Unknowable("unreachable", message, { cause });
}
