// Role caches that answer what a test tells them to, and a clock that a test moves.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";

import type { GuardEnv, ObjectId, ObjectReply, ObjectRequest, ObjectStub } from "../src/index.ts";

export const USER = "user_2vX11zP5ojq7cTRY58xT6oJaaaa";
export const ORG = "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S";
export const OTHER_ORG = "org_2h8op3Isl1QR7tKu5FGNfaLKEoU";

/** A sample of the wire contract, as it stands. */
export function sample(name: string): string {
  const url = new URL(`../../../tests/fixtures/wire/${name}.json`, import.meta.url);
  return readFileSync(url, "utf8").trimEnd();
}

interface Call {
  /** The name of the object. */
  readonly name: string;
  readonly url: string;
  readonly request: ObjectRequest;
  /** Counts the stubs that were made. */
  readonly stub: number;
}

type Act = (call: Call) => ObjectReply | Promise<ObjectReply>;

/** Objects that do one act for each call, and the last one ever after. */
export class Objects {
  readonly calls: Call[] = [];
  readonly env: GuardEnv = { ROLES: this };
  readonly #acts: Act[];
  #stubs = 0;

  constructor(...acts: Act[]) {
    this.#acts = acts;
  }

  idFromName(name: string): ObjectId {
    return { toString: () => name };
  }

  get(id: ObjectId): ObjectStub {
    this.#stubs += 1;
    const stub = this.#stubs;
    return {
      fetch: async (url, request) => {
        const call = { name: id.toString(), url, request, stub };
        this.calls.push(call);
        const act = this.#acts[this.calls.length - 1] ?? this.#acts.at(-1);
        assert.ok(act, "the test says what the object does");
        return act(call);
      },
    };
  }

  /** The stubs that were spoken to, in order. */
  get stubs(): number[] {
    return this.calls.map(({ stub }) => stub);
  }
}

/** Answers with a body. */
export function says(body: string, status = 200): Act {
  return () => ({ status, text: async () => body });
}

/** Answers with a sample, after a change to it. */
export function saysSample(name: string, changes: object = {}, setChanges: object = {}): Act {
  const { set, ...answer } = JSON.parse(sample(name));
  return says(JSON.stringify({ ...answer, ...changes, set: { ...set, ...setChanges } }));
}

/** Fails as the runtime does: its words stand on the error. */
export function fails(words: { retryable?: unknown; overloaded?: unknown } = {}): Act {
  return () => {
    throw Object.assign(new Error("Network connection lost."), words);
  };
}

/** Never answers. */
export const hangs: Act = () => new Promise(() => {});

/** The clock stands still until `settled` moves it; nothing is logged. */
export function hold(test: TestContext) {
  test.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_764_000_000_000 });
  return test.mock.method(console, "warn", () => {});
}

/** Lets a clock that is held run until `work` is settled, and says how long that took. */
export async function settled<T>(
  test: TestContext,
  work: Promise<T>,
): Promise<{ result: PromiseSettledResult<T>; ms: number }> {
  const began = Date.now();
  let result: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([work]).then(([only]) => (result = only));
  for (let turn = 0; turn < 1_000; turn += 1) {
    // All that can go on without the clock does so first.
    await new Promise((done) => setImmediate(done));
    if (result !== undefined) return { result, ms: Date.now() - began };
    test.mock.timers.tick(10);
  }
  throw new Error("not settled within ten seconds of the clock");
}

/** What a guard threw, as a `Response`. */
export async function thrown(work: Promise<unknown>): Promise<Response> {
  const [result] = await Promise.allSettled([work]);
  return thrownIn(result);
}

export function thrownIn(result: PromiseSettledResult<unknown>): Response {
  assert.equal(result.status, "rejected", "the guard lets pass");
  const { reason } = result;
  if (!(reason instanceof Response)) throw reason;
  return reason;
}

export async function isForbidden(response: Response, what?: string): Promise<void> {
  assert.equal(response.status, 403, what);
  assert.equal(await response.text(), "forbidden", what);
  assert.equal(response.headers.get("cache-control"), "private, no-store", what);
}

export async function isUnavailable(response: Response, what?: string): Promise<void> {
  assert.equal(response.status, 503, what);
  assert.equal(await response.text(), "unavailable", what);
  assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/, what);
  assert.equal(response.headers.get("cache-control"), "private, no-store", what);
}
