// Clerk's own SDK for the comparison: its result for a request, in one word.

import { createHash } from "node:crypto";

import { createClerkClient } from "@clerk/backend";

import { ISSUER, PARTY, key, pem } from "./sessions.mjs";

/** The publishable key of this run's instance, for production or development. */
export function publishableKey(stage, issuer = ISSUER) {
  const kind = stage === "production" ? "live" : "test";
  return `pk_${kind}_${Buffer.from(`${new URL(issuer).host}$`).toString("base64")}`;
}

/** The suffix of the instance's cookies, as in packages/shared/src/keys.ts. */
export function suffixOf(publishable) {
  return createHash("sha1").update(publishable).digest("base64url").slice(0, 8);
}

/** Creates the SDK for this run's instance. */
export function sdkFor(stage) {
  const publishable = publishableKey(stage);
  const secretKey = `sk_${stage === "production" ? "live" : "test"}_of_the_tests`;
  const keys = { publishableKey: publishable, secretKey, jwtKey: pem(key) };
  const client = createClerkClient({ ...keys, telemetry: { disabled: true } });
  return (path, headers) => sdkResult(client, new Request(`${PARTY}${path}`, { headers }));
}

/**
 * Returns `in` with the user, `out`, `asks` (starts a handshake), `takes` (a handshake result, with
 * its user) or `throws`, and the SDK's reason.
 */
export async function sdkResult(client, request, parties = [PARTY]) {
  const asking = () => client.authenticateRequest(request, { authorizedParties: parties });
  const state = await quietly(asking).catch(({ message }) => ({ status: "throws", message }));
  if (state.status === "throws") return { verdict: "throws", user: null, reason: state.message };
  const { reason } = state;
  if (state.status === "handshake") return { verdict: "asks", user: null, reason };
  const user = state.toAuth()?.userId ?? null;
  const sets = state.headers.getSetCookie().some((line) => line.startsWith("__session"));
  // In development it redirects to the clean URL, in production it serves at once.
  if (sets) return { verdict: "takes", user, reason };
  return { verdict: user === null ? "out" : "in", user, reason };
}

/** Mutes the SDK, which prints its rejections. */
async function quietly(run) {
  const names = ["log", "warn", "error"];
  quiet.depth += 1;
  if (quiet.depth === 1) {
    quiet.kept = names.map((name) => console[name]);
    for (const name of names) console[name] = () => {};
  }
  try {
    return await run();
  } finally {
    quiet.depth -= 1;
    if (quiet.depth === 0) {
      for (const [at, name] of names.entries()) console[name] = quiet.kept[at];
    }
  }
}

const quiet = { depth: 0, kept: [] };
