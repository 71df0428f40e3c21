// Headers that are somebody else's.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Handler } from "../src/session/index.ts";
import {
  ADA,
  Browser,
  MALLORY,
  SCRIPT,
  cookieOf,
  lapsed,
  now,
  token,
} from "./clerk-support.ts";

const [PLAIN, SINCE] = ["__session", "__client_uat"];

const requires: Handler = (found) => new Response(found.require().userId);

type Pairs = readonly (readonly [string, string | number])[];

async function opens(pairs: Pairs, headers: Record<string, string> = {}): Promise<string> {
  const init = { headers: { cookie: cookieOf(pairs), ...headers } };
  const response = await new Browser().open("/a", requires, init);
  if (response.status === 200) return response.text();
  const reason = new URL(response.headers.get("location") ?? "", "https://here.invalid");
  return `${response.status} ${reason.searchParams.get("__clerk_hs_reason") ?? ""}`.trim();
}

const good = (claims: object = {}) => token(ADA, claims);
const over = () => token(ADA, lapsed());
const since = () => now() - 1_000;

describe("a header that Clerk's SDK takes no token from", () => {
  const headers = () => ["", "Basic dXNlcjpwdw==", `bearer ${token(MALLORY)}`, "Digest a=1, b=2"];

  it("leaves the cookies as they are", async () => {
    for (const authorization of headers()) {
      const ask = (pairs: Pairs) => opens(pairs, { authorization });
      assert.equal(await ask([[PLAIN, good()], [SINCE, since()]]), ADA, authorization);
      assert.match(await ask([[PLAIN, over()], [SINCE, since()]]), /^307 session-token-expired/);
      const two = [[PLAIN, good()], [SINCE, since()], ["__session_x", token(MALLORY)]] as const;
      assert.equal(await ask(two), "401", authorization);
    }
  });

  it("is no program's, so a script is told to renew", async () => {
    const authorization = "Basic dXNlcjpwdw==";
    const headers = { ...SCRIPT, authorization, cookie: cookieOf([[PLAIN, over()], [SINCE, 1]]) };
    const response = await new Browser().open("/a", requires, { headers });
    assert.deepEqual(await response.json(), { error: "unauthenticated", renew: true });
  });

  it("is none where a token stands, by its scheme or alone", async () => {
    const cookies: Pairs = [[PLAIN, token(MALLORY)], [SINCE, since()]];
    for (const authorization of [`Bearer ${good()}`, good(), `Bearer ${good()} x`]) {
      assert.equal(await opens(cookies, { authorization }), ADA, authorization);
    }
    for (const authorization of ["Bearer", "Bearer x", "Basic", `Bearer ${over()}`]) {
      assert.equal(await opens(cookies, { authorization }), "302", authorization);
    }
  });
});
