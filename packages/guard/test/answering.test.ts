// A handler that answers with what its guards throw.

import assert from "node:assert/strict";
import { it } from "node:test";

import type { GuardEnv } from "../src/index.ts";
import { answering, requireRole } from "../src/index.ts";
import { Objects, USER, isForbidden, saysSample } from "./support.ts";

const page = answering(async (role: string, env: GuardEnv) => {
  await requireRole(env, USER, role);
  return new Response("welcome");
});

it("a page is answered as it is", async () => {
  const { env } = new Objects(saysSample("answer.live"));
  assert.equal(await (await page("admin", env)).text(), "welcome");
});

it("a refusal that is thrown is answered, anew for each", async () => {
  const { env } = new Objects(saysSample("answer.live"));
  await isForbidden(await page("editor", env));
  await isForbidden(await page("editor", env));
});

it("anything else that is thrown is thrown on", async () => {
  for (const odd of [new Error("a fault"), "a text", undefined, { status: 403 }]) {
    const handler = answering(() => Promise.reject(odd));
    const [result] = await Promise.allSettled([handler()]);
    assert.deepEqual(result, { status: "rejected", reason: odd });
  }
  const synchronous = answering(() => {
    throw new Response("no", { status: 401 });
  });
  assert.equal((await synchronous()).status, 401);
});
