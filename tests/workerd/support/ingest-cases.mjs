// Invalid deliveries, which ingest rejects, and valid ones, which it accepts.

import { gzipSync } from "node:zlib";

import * as clerk from "./clerk.mjs";
import { OTHER_SECRET, newId, nowSeconds, post, signed, tag } from "./delivery.mjs";

/** A string in every body that must not be in any log. */
export const CANARY = "canary@example.net";

export const BODY = JSON.stringify(anyUser(), null, 2);

export function anyUser(id = clerk.newId("user")) {
  const address = { id: "idn_canary", email_address: CANARY };
  const fields = { primary_email_address_id: "idn_canary", email_addresses: [address] };
  return clerk.user(id, fields);
}

/** Each makes a delivery that must be rejected, with its own id. */
export const REFUSED = {
  // W-21: nothing to verify.
  "without any header": () => withHeaders({}),
  "without an id": (id) => altered(id, { "svix-id": null }),
  "without a timestamp": (id) => altered(id, { "svix-timestamp": null }),
  "without a signature": (id) => altered(id, { "svix-signature": null }),
  "with a blank id": (id) => altered(id, { "svix-id": " " }),
  "with a blank timestamp": (id) => altered(id, { "svix-timestamp": "" }),
  "with a blank signature": (id) => altered(id, { "svix-signature": " " }),
  // W-3, W-4: almost the right tag.
  "with the first 8 characters of the tag": (id) => entry(id, (good) => `v1,${good.slice(0, 8)}`),
  "with the first bit flipped": (id) => bytes(id, (it) => it.with(0, it[0] ^ 0x80)),
  "with a bit in the middle flipped": (id) => bytes(id, (it) => it.with(16, it[16] ^ 1)),
  "with the last bit flipped": (id) => bytes(id, (it) => it.with(31, it[31] ^ 1)),
  "with a tag of 1 byte": (id) => bytes(id, (it) => it.subarray(0, 1)),
  "with a tag of 31 bytes": (id) => bytes(id, (it) => it.subarray(0, 31)),
  "with a tag of 33 bytes": (id) => bytes(id, (it) => Buffer.concat([it, it.subarray(0, 1)])),
  "with a tag of zeroes": (id) => bytes(id, () => Buffer.alloc(32)),
  "with a tag of ones": (id) => bytes(id, () => Buffer.alloc(32, 0xff)),
  "with a base64url tag": () => inUrlAlphabet(),
  "with a tag without padding": (id) => entry(id, (good) => `v1,${good.replace("=", "")}`),
  "with a space in the tag": (id) => entry(id, (good) => `v1,${good.slice(0, 9)} ${good.slice(9)}`),
  // W-5: almost a valid entry.
  "with version v2": (id) => entry(id, (good) => `v2,${good}`),
  "with version v1a": (id) => entry(id, (good) => `v1a,${good}`),
  "with version V1": (id) => entry(id, (good) => `V1,${good}`),
  "without a version": (id) => entry(id, (good) => good),
  "with an empty version": (id) => entry(id, (good) => `,${good}`),
  "with a space after the comma": (id) => entry(id, (good) => `v1, ${good}`),
  "with something after the tag": (id) => entry(id, (good) => `v1,${good},extra`),
  // W-6: too many, too long.
  "with the 17th entry good": (id) => entry(id, (good) => `${"v1,AAAA ".repeat(16)}v1,${good}`),
  "with a header of 5 KB": (id) => entry(id, (good) => `v1,${"A".repeat(5_000)} v1,${good}`),
  // W-10: the time, always with a signature over the header's value.
  "that is too old": (id) => signedAt(id, nowSeconds() - 310),
  "from the future": (id) => signedAt(id, nowSeconds() + 310),
  "of time -1": (id) => signedAt(id, "-1"),
  "of time 1e9": (id) => signedAt(id, "1e9"),
  "of a fractional time": (id) => signedAt(id, `${nowSeconds()}.0`),
  "of a time with a sign": (id) => signedAt(id, `+${nowSeconds()}`),
  "of a time with a leading zero": (id) => signedAt(id, `0${nowSeconds()}`),
  "of a hexadecimal time": (id) => signedAt(id, `0x${nowSeconds().toString(16)}`),
  "of a time beyond 64 bits": (id) => signedAt(id, "18446744073709551616"),
  "of a time in milliseconds": (id) => signedAt(id, String(Date.now())),
  // W-11: ids that could shift the parts of the signed text.
  "with a dot in the id": () => named("msg_a.1700000000"),
  "with a comma in the id": () => named("msg_a,b"),
  "with a space in the id": () => named("msg_a b"),
  "with an umlaut in the id": () => named("msg_\u00e4"),
  "with an id of 300 bytes": () => named(`msg_${"a".repeat(296)}`),
  // W-12, W-13: duplicate headers.
  "with the id twice": (id) => altered(id, { "svix-id": `${id}, ${id}` }),
  "with two timestamps": (id) => altered(id, { "svix-timestamp": `${nowSeconds()}, 1` }),
  "with two signature headers": (id) => entry(id, (good) => `v1,AAAA, v1,${good}`),
  "with both prefixes": (id) => altered(id, signed(BODY, { id, family: "webhook" })),
  "with one header of the other prefix": (id) => altered(id, { "webhook-id": "msg_other" }),
  // W-14: other bytes than the signed ones.
  "with reformatted JSON": (id) => changed(id, JSON.stringify(JSON.parse(BODY))),
  "with one byte changed": (id) => changed(id, BODY.replace("user.created", "user.creates")),
  "with a byte order mark": (id) => changed(id, `\ufeff${BODY}`),
  "with other line ends": (id) => changed(id, BODY.replaceAll("\n", "\r\n")),
  "in another charset": (id) => changed(id, Buffer.from(BODY, "utf16le")),
  "without a body": (id) => changed(id, ""),
  "cut short": (id) => changed(id, BODY.slice(0, -1)),
  "that is compressed": (id) => changed(id, gzipSync(BODY), { "content-encoding": "gzip" }),
  "with a false content-encoding": (id) => altered(id, { "content-encoding": "gzip" }),
  // W-23.
  "signed with another endpoint's secret": (id) =>
    withHeaders(signed(BODY, { id, secret: OTHER_SECRET })),
};

/** Each makes a delivery that must be accepted. */
export const TAKEN = {
  "with three bad entries around the good one": (id) =>
    entry(id, (good) => `v1,AAAA v1a,${good} v1,${good} v2,BBBB`),
  "with the 16th entry good": (id) => entry(id, (good) => `${"v1,AAAA ".repeat(15)}v1,${good}`),
  "signed almost five minutes ago": (id) => signedAt(id, nowSeconds() - 290),
  "signed almost five minutes ahead": (id) => signedAt(id, nowSeconds() + 290),
  "with the standard prefix": (id) => withHeaders(signed(BODY, { id, family: "webhook" })),
  "of another content type": (id) => altered(id, { "content-type": "text/plain; charset=latin1" }),
  "with a method to override": (id) => altered(id, { "x-http-method-override": "DELETE" }),
};

function withHeaders(headers, body = BODY) {
  return post(body, headers);
}

export function altered(id, headers) {
  return withHeaders({ ...signed(BODY, { id }), ...headers });
}

export function changed(id, body, headers = {}) {
  return withHeaders({ ...signed(BODY, { id }), ...headers }, body);
}

function entry(id, make) {
  const at = nowSeconds();
  const headers = signed(BODY, { id, at });
  return withHeaders({ ...headers, "svix-signature": make(tag(BODY, { id, at })) });
}

function bytes(id, make) {
  return entry(id, (good) => {
    const made = Buffer.from(make(Buffer.from(good, "base64")));
    return `v1,${made.toString("base64")}`;
  });
}

function signedAt(id, at) {
  return withHeaders(signed(BODY, { id, at }));
}

/** HTTP transmits headers as Latin-1, and ingest would verify those bytes. */
function named(id) {
  return withHeaders(signed(BODY, { id }));
}

/** The alphabets differ only if the tag has a `+` or a `/`. */
function inUrlAlphabet() {
  for (;;) {
    const id = newId();
    const at = nowSeconds();
    const good = tag(BODY, { id, at });
    const other = good.replaceAll("+", "-").replaceAll("/", "_");
    const headers = { ...signed(BODY, { id, at }), "svix-signature": `v1,${other}` };
    if (other !== good) return withHeaders(headers);
  }
}
