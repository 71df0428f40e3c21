// Whose roles: the user's object is asked, and what cannot be known is 503.

import type { Roles } from "./ask.ts";
import { askInTime } from "./ask.ts";
import type { GuardEnv } from "./binding.ts";
import { admits } from "./has.ts";
import { isUserId } from "./id.ts";
import { forbidden, unavailable } from "./refuse.ts";
import { Unknowable } from "./unknowable.ts";
import type { Ask } from "./wire.ts";

/** A question to the cache, beyond "whose". */
export interface RolesOptions {
  /** Have the database read first, at most once a second for each user. */
  readonly fresh?: boolean | undefined;
  /** Take nothing below this version: one that an earlier answer had, for instance. */
  readonly minVersion?: number | undefined;
}

/**
 * The roles of a user, with their version, source and age. A user that no webhook has told of yet
 * has `standing: "unknown"`.
 *
 * @throws {Response} 403 `forbidden` when the user is banned or deleted, or `userId` is no id of a
 *   user's.
 * @throws {Response} 503 with `Retry-After` when the roles cannot be known.
 * @throws {TypeError} when `minVersion` is no version.
 */
export async function roles(
  env: GuardEnv,
  userId: string,
  options: RolesOptions = {},
): Promise<Roles> {
  const minVersion = options.minVersion ?? 0;
  if (!Number.isSafeInteger(minVersion) || minVersion < 0) {
    throw new TypeError("minVersion is a whole number, not negative");
  }
  // Nobody has no roles. No object is asked, for a stranger's text would create one.
  if (!isUserId(userId)) throw forbidden();
  const found = await askOrSay(env, { userId, fresh: Boolean(options.fresh), minVersion });
  if (!admits(found)) throw forbidden();
  return found;
}

async function askOrSay(env: GuardEnv, ask: Ask): Promise<Roles> {
  try {
    return await askInTime(env, ask);
  } catch (cause) {
    const reason = cause instanceof Unknowable ? cause.reason : "unreachable";
    const detail = cause instanceof Error ? cause.message : "no error was thrown";
    const fields = { reason, detail, "user.id": ask.userId };
    console.warn({ message: "the roles are out of reach", ...fields });
    throw unavailable();
  }
}
