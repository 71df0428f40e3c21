// Signs deliveries as Svix does, and sends them to ingest.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";

/** The webhook secret of ingest in every test. It protects nothing. */
export const SECRET = `whsec_${Buffer.from("a secret for the tests alone").toString("base64")}`;

/** The secret of another endpoint. */
export const OTHER_SECRET = `whsec_${Buffer.from("the secret of another endpoint").toString("base64")}`;

export const WEBHOOK = "/webhooks/clerk";

/** Makes an id like Svix: new for each delivery, the same for its repetitions. */
export function newId() {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}

export function nowSeconds() {
  return Math.floor(Date.now() / 1000);
}

/** Returns `base64(hmac-sha256(key, "id.timestamp.body"))`, the tag of one `v1` entry. */
export function tag(body, { id, at = nowSeconds(), secret = SECRET }) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64");
}

/** Returns the three headers of a delivery, with either prefix. */
export function signed(body, { id = newId(), at = nowSeconds(), secret, family = "svix" } = {}) {
  return {
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(at),
    [`${family}-signature`]: `v1,${tag(body, { id, at, secret })}`,
  };
}

/**
 * Makes the request of a delivery. `headers` override those of the signature; `null` removes one.
 */
export function post(body, headers) {
  const kept = Object.entries(headers).filter(([, value]) => value !== null);
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...Object.fromEntries(kept) },
    body,
  };
}

/**
 * Delivers an event, a string or bytes, signed.
 *
 * @returns {Promise<{id: string, status: number, headers: Headers, text: string}>}
 */
export async function deliver(ingest, event, { id = newId(), headers = {}, ...how } = {}) {
  const isRaw = typeof event === "string" || event instanceof Uint8Array;
  const body = isRaw ? event : JSON.stringify(event);
  const all = { ...signed(body, { id, ...how }), ...headers };
  return { id, ...(await send(ingest, post(body, all))) };
}

/** Sends a request to ingest. No answer may tell Svix to stop trying. */
export async function send(ingest, request, path = WEBHOOK) {
  const url = `https://ingest.example${path}`;
  const response = await ingest.fetch(url, { redirect: "manual", ...request });
  const { status, headers } = response;
  assert.ok(status !== 410 && (status < 300 || 400 <= status), `${status} would end the retries`);
  assert.equal(headers.get("webhook-delivery"), null);
  assert.equal(headers.get("cache-control"), "private, no-store");
  return { status, headers, text: await response.text() };
}
