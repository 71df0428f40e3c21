// Fake role caches that answer as a test says, and a clock that a test moves.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";

import type {
  GuardEnv,
  RoleCacheId,
  RoleCacheRequest,
  RoleCacheResponse,
  RoleCacheStub,
} from "../src/index.ts";

export const USER = "user_2vX11zP5ojq7cTRY58xT6oJaaaa";
export const ORG = "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S";
export const OTHER_ORG = "org_2h8op3Isl1QR7tKu5FGNfaLKEoU";

/** Reads a sample of the wire format. */
export function sample(name: string): string {
  const url = new URL(`../../../tests/fixtures/wire/${name}.json`, import.meta.url);
  return readFileSync(url, "utf8").trimEnd();
}

interface Call {
  /** The name of the role cache. */
  readonly name: string;
  readonly url: string;
  readonly request: RoleCacheRequest;
  /** The number of the stub, in the order of creation. */
  readonly stub: number;
}

type Act = (call: Call) => RoleCacheResponse | Promise<RoleCacheResponse>;

/** Role caches that do one act per call, and repeat the last one. */
export class Objects {
  readonly calls: Call[] = [];
  readonly env: GuardEnv = { ROLES: this };
  readonly #acts: Act[];
  #stubs = 0;

  constructor(...acts: Act[]) {
    this.#acts = acts;
  }

  idFromName(name: string): RoleCacheId {
    return { toString: () => name };
  }

  get(id: RoleCacheId): RoleCacheStub {
    this.#stubs += 1;
    const stub = this.#stubs;
    return {
      fetch: async (url, request) => {
        const call = { name: id.toString(), url, request, stub };
        this.calls.push(call);
        const act = this.#acts[this.calls.length - 1] ?? this.#acts.at(-1);
        assert.ok(act, "the test gives at least one act");
        return act(call);
      },
    };
  }

  /** The numbers of the stubs that were called, in order. */
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

/** Fails as the Workers runtime does: with properties on the error. */
export function fails(words: { retryable?: unknown; overloaded?: unknown } = {}): Act {
  return () => {
    throw Object.assign(new Error("Network connection lost."), words);
  };
}

/** Never answers. */
export const hangs: Act = () => new Promise(() => {});

/** Stops the clock until `settled` moves it, and mutes the log. */
export function hold(test: TestContext) {
  test.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_764_000_000_000 });
  return test.mock.method(console, "warn", () => {});
}

/** Moves the stopped clock until `work` is settled, and returns how long that took. */
export async function settled<T>(
  test: TestContext,
  work: Promise<T>,
): Promise<{ result: PromiseSettledResult<T>; ms: number }> {
  const began = Date.now();
  let result: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([work]).then(([only]) => (result = only));
  for (let turn = 0; turn < 1_000; turn += 1) {
    // First run everything that does not wait for the clock.
    await new Promise((done) => setImmediate(done));
    if (result !== undefined) return { result, ms: Date.now() - began };
    test.mock.timers.tick(10);
  }
  throw new Error("not settled within ten seconds of the clock");
}

/** Returns the `Response` that a guard threw. */
export async function thrown(work: Promise<unknown>): Promise<Response> {
  const [result] = await Promise.allSettled([work]);
  return thrownIn(result);
}

export function thrownIn(result: PromiseSettledResult<unknown>): Response {
  assert.equal(result.status, "rejected", "the guard must throw");
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
