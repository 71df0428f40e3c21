// Deliveries of a real size: `user.updated` of about 4 KB, as Clerk sends it for a user with two
// addresses, a connected account and some metadata.

import * as clerk from "../../../tests/workerd/support/clerk.mjs";
import { WEBHOOK, signed } from "../../../tests/workerd/support/delivery.mjs";

/** Bytes of a delivery. */
export const BODY_BYTES = 4_096;

/** A `user.updated` of `BODY_BYTES`. */
export function updated(user, at = clerk.later()) {
  const address = (name) => ({
    id: `idn_2${name}`,
    object: "email_address",
    email_address: `${name}.${user.slice(-12)}@example.com`,
    reserved: false,
    verification: { status: "verified", strategy: "email_code", attempts: 1, expire_at: at },
    linked_to: [{ id: `idn_2${name}linked`, type: "oauth_google" }],
    created_at: at,
    updated_at: at,
  });
  const fields = {
    email_addresses: [address("first"), address("second")],
    primary_email_address_id: "idn_2first",
    first_name: "Ada",
    last_name: "Lovelace",
    public_metadata: { roles: ["admin", "editor"], plan: "pro", locale: "en-GB" },
    unsafe_metadata: {},
  };
  const event = clerk.user(user, fields, { verb: "updated", at });
  // The rest is metadata of the app.
  const room = BODY_BYTES - JSON.stringify(event).length - JSON.stringify({ note: "" }).length + 2;
  if (room < 0) throw new Error(`the event has ${-room} bytes too many`);
  const filler = "settings of the application, ".repeat(200).slice(0, room);
  const data = { ...event.data, unsafe_metadata: { note: filler } };
  return JSON.stringify({ ...event, data });
}

/** Makes the request of a signed delivery. */
export function delivery(body) {
  const headers = { "content-type": "application/json", ...signed(body) };
  return { method: "POST", path: WEBHOOK, headers, body };
}
