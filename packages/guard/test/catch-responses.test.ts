// A handler that returns the responses that its guards throw.

import assert from "node:assert/strict";
import { it } from "node:test";

import type { GuardEnv } from "../src/index.ts";
import { catchResponses, requireRole } from "../src/index.ts";
import { Objects, USER, isForbidden, saysSample } from "./support.ts";

const page = catchResponses(async (role: string, env: GuardEnv) => {
  await requireRole(env, USER, role);
  return new Response("welcome");
});

it("a returned response is not changed", async () => {
  const { env } = new Objects(saysSample("answer.live"));
  assert.equal(await (await page("admin", env)).text(), "welcome");
});

it("a thrown response is returned, a new one each time", async () => {
  const { env } = new Objects(saysSample("answer.live"));
  await isForbidden(await page("editor", env));
  await isForbidden(await page("editor", env));
});

it("other thrown values are thrown again", async () => {
  for (const odd of [new Error("a bug"), "a string", undefined, { status: 403 }]) {
    const handler = catchResponses(() => Promise.reject(odd));
    const [result] = await Promise.allSettled([handler()]);
    assert.deepEqual(result, { status: "rejected", reason: odd });
  }
  const synchronous = catchResponses(() => {
    throw new Response("no", { status: 401 });
  });
  assert.equal((await synchronous()).status, 401);
});
