// The rules for every response of `ssr`.

import assert from "node:assert/strict";

import { PARTY } from "./sessions.mjs";

/** The headers of a browser that loads a page. */
export const DOCUMENT = {
  "sec-fetch-dest": "document",
  accept: "text/html,application/xhtml+xml;q=0.9",
};

/** The headers of every page. */
const PAGE_HEADERS = {
  "referrer-policy": "strict-origin-when-cross-origin",
  "cross-origin-opener-policy": "same-origin",
};

/** The URL of the sign-out form, if a Worker has the setting `SIGN_OUT_URL`. */
export const SIGN_OUT_URL = "https://accounts.example.com/sign-out?from=app";

/** Pages may send only their own forms. There are no scripts, so none are allowed. */
const policy = (formAction) =>
  `default-src 'none'; style-src 'self'; form-action ${formAction}; base-uri 'none'; ` +
  "frame-ancestors 'none'";
const WITHOUT_FORM = policy("'none'");
const WITH_FORM = policy(`'self' ${new URL(SIGN_OUT_URL).origin}`);

/** A year, in seconds. */
const HSTS_MIN = 31_536_000;

/** Checks the rules for all responses, and returns the response. */
export function checkResponse(answer, what) {
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

/** The rules for each status. Other statuses are errors. */
const STATUSES = {
  200: () => {},
  302: ({ headers, text }, what) => {
    assert.equal(text, "", what);
    returnPath(headers.get("location"), what);
  },
  400: isTold,
  401: (answer, what) => {
    isTold(answer, what);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer", what);
  },
  403: ({ headers, text }, what) => {
    if (text === "") return; // HEAD
    if (/^text\/html/.test(headers.get("content-type"))) assert.match(text, /No access/, what);
    else assert.ok(isForbidden(JSON.parse(text)), `${what}: ${text}`);
  },
  404: () => {},
  405: ({ headers }, what) => assert.equal(headers.get("allow"), "GET, HEAD", what),
  503: ({ headers }, what) => assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/, what),
};

/** Programs compare these: the error code, or the answer of `/api/check`. */
function isForbidden(body) {
  return body.error === "forbidden" || body.allowed === false;
}

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

/** Checks the only allowed form. A response to `HEAD` does not show whether the page has it. */
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

/** Returns the tags of a page in order: everything that is not text. */
export function tags(html) {
  return html.match(/<[^>]*>/g) ?? [];
}

/** Returns the path to which a redirect to sign-in leads back: always a path of this site. */
export function returnPath(location, what = location) {
  // The sign-in page is one of this site here, so it has only a path.
  assert.match(location, /^\/sign-in\?redirect_url=[^/\\&\s]+$/, what);
  const back = new URL(location, PARTY).searchParams.get("redirect_url");
  return checkLocalPath(back, what);
}

/** Checks that a browser reads `back` as a path of this site, and returns it. */
export function checkLocalPath(back, what = back) {
  assert.match(back, /^\/(?![/\\])/, what);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an address may hold none of them
  assert.doesNotMatch(back, /[\\\u0000-\u001f]/, what);
  assert.equal(new URL(back, PARTY).origin, PARTY, what);
  return back;
}

/** Returns a response without the parts that change with time, to compare two responses. */
export function comparable({ status, headers, text }) {
  return { status, headers: [...headers].filter(([name]) => !PASSING.has(name)).sort(), text };
}

const PASSING = new Set(["date", "connection", "keep-alive"]);
