// What holds for every answer of the application, whatever was asked.

import assert from "node:assert/strict";

import { PARTY } from "./sessions.mjs";

/** What a browser says that opens a page. */
export const DOCUMENT = {
  "sec-fetch-dest": "document",
  accept: "text/html,application/xhtml+xml;q=0.9",
};

/** On every page. */
const PAGE_HEADERS = {
  "referrer-policy": "strict-origin-when-cross-origin",
  "cross-origin-opener-policy": "same-origin",
};

/** What signs out, where a Worker is told so by `SIGN_OUT_URL`. */
export const SIGN_OUT_URL = "https://accounts.example.com/sign-out?from=app";

/** A page may post to where it has a form for. There is no script, so none is let in. */
const policy = (formAction) =>
  `default-src 'none'; style-src 'self'; form-action ${formAction}; base-uri 'none'; ` +
  "frame-ancestors 'none'";
const WITHOUT_FORM = policy("'none'");
const WITH_FORM = policy(`'self' ${new URL(SIGN_OUT_URL).origin}`);

/** A year, in seconds. */
const HSTS_MIN = 31_536_000;

/** Checks what every answer has in common, and gives it back. */
export function checked(answer, what) {
  const { headers, status, text } = answer;
  assert.equal(headers.get("cache-control"), "private, no-store", what);
  assert.equal(headers.get("vary"), "Cookie, Authorization", what);
  assert.equal(headers.get("x-content-type-options"), "nosniff", what);
  assert.equal(headers.get("set-cookie"), null, what);
  if (headers.get("content-type")?.startsWith("text/html")) checkPage(answer, what);
  else if (text !== "") JSON.parse(text);
  const expected = STATUSES[status];
  assert.ok(expected, `${what}: ${status}`);
  expected(answer, what);
  if (status !== 302) assert.equal(headers.get("location"), null, what);
  return answer;
}

/** What each status needs. Any other one is a mistake. */
const STATUSES = {
  200: () => {},
  302: ({ headers, text }, what) => {
    assert.equal(text, "", what);
    wayBack(headers.get("location"), what);
  },
  400: isTold,
  401: (answer, what) => {
    isTold(answer, what);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer", what);
  },
  403: () => {},
  404: () => {},
  405: ({ headers }, what) => assert.equal(headers.get("allow"), "GET, HEAD", what),
  503: ({ headers }, what) => assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/, what),
};

function isTold({ headers, text }, what) {
  assert.match(headers.get("content-type"), /^application\/json/, what);
  if (text !== "") assert.deepEqual(Object.keys(JSON.parse(text)), ["error"], what);
}

function checkPage({ headers, text }, what) {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) {
    assert.equal(headers.get(name), value, `${what}: ${name}`);
  }
  checkForm(headers.get("content-security-policy"), text, what);
  const [, age] = /^max-age=(\d+)/.exec(headers.get("strict-transport-security"));
  assert.ok(HSTS_MIN <= Number(age), what);
  assert.ok(headers.get("permissions-policy"), what);
  assert.equal(headers.get("content-type"), "text/html; charset=utf-8", what);
  for (const tag of tags(text)) {
    assert.doesNotMatch(tag, /^<(script|style|img)|\s(style|on\w+)=/i, what);
  }
}

/** The one form that there may be; an answer to `HEAD` does not show whether it is there. */
function checkForm(policy, text, what) {
  if (text === "") return assert.ok([WITHOUT_FORM, WITH_FORM].includes(policy), what);
  const forms = [...text.matchAll(/<form\b[^>]*>\s*<input\b[^>]*>/g)].map(([form]) => form);
  assert.equal(forms.length, text.split("<form").length - 1, what);
  for (const form of forms) {
    assert.match(form, /^<form method="post" action="([^"]*)">/, what);
    assert.ok(form.includes(` action="${SIGN_OUT_URL}"`), what);
    assert.ok(form.endsWith(` name="redirect_url" value="${PARTY}/">`), what);
  }
  assert.equal(policy, forms.length === 0 ? WITHOUT_FORM : WITH_FORM, what);
}

/** The tags of a page, in order: what there is for a browser beside text. */
export function tags(html) {
  return html.match(/<[^>]*>/g) ?? [];
}

/** Where somebody who was sent to sign in would end: a path of this site, whatever they sent. */
export function wayBack(location, what = location) {
  // The sign-in page is this site's own here, named by its path alone.
  assert.match(location, /^\/sign-in\?redirect_url=[^/\\&\s]+$/, what);
  const back = new URL(location, PARTY).searchParams.get("redirect_url");
  return ofThisSite(back, what);
}

/** Checks that a browser would take `back` for a path of this site, and gives it back. */
export function ofThisSite(back, what = back) {
  assert.match(back, /^\/(?![/\\])/, what);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an address may hold none of them
  assert.doesNotMatch(back, /[\\\u0000-\u001f]/, what);
  assert.equal(new URL(back, PARTY).origin, PARTY, what);
  return back;
}

/** An answer without what differs from one moment to the next: two that are equal tell nothing. */
export function asSeen({ status, headers, text }) {
  return { status, headers: [...headers].filter(([name]) => !PASSING.has(name)).sort(), text };
}

const PASSING = new Set(["date", "connection", "keep-alive"]);
