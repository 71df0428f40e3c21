// Unavailable roles give 503: role caches that fail, hang or answer invalidly, and expired roles.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { GuardEnv } from "../src/index.ts";
import { getRoles, requirePermission, requireRole } from "../src/index.ts";
import {
  ORG,
  Objects,
  USER,
  fails,
  hangs,
  hold,
  isUnavailable,
  sample,
  says,
  saysSample,
  settled,
  thrown,
  thrownIn,
} from "./support.ts";

const GOOD = saysSample("answer.live");

/** Checks that every guard throws 503 after `tries` queries. */
async function checkUnavailable(test: Parameters<typeof hold>[0], objects: Objects, tries: number) {
  const permission = "org:posts:write";
  const guards: (() => Promise<unknown>)[] = [
    () => requireRole(objects.env, USER, "admin"),
    () => requirePermission(objects.env, USER, { organization: ORG, permission }),
    () => getRoles(objects.env, USER),
  ];
  for (const guard of guards) {
    const before = objects.calls.length;
    const { result } = await settled(test, guard());
    await isUnavailable(thrownIn(result));
    assert.equal(objects.calls.length - before, tries);
  }
}

describe("a role cache that fails", () => {
  for (const [what, words] of [
    ["with no property on the error", {}],
    ["because it is overloaded", { overloaded: true }],
    ["with overloaded and retryable", { overloaded: 1, retryable: true }],
    ["with an invalid property", { retryable: "true" }],
  ] as const) {
    it(`is queried once if it fails ${what}`, async (test) => {
      hold(test);
      await checkUnavailable(test, new Objects(fails(words)), 1);
    });
  }

  for (const failures of [1, 2]) {
    it(`is queried again with a new stub after ${failures} retryable failures`, async (test) => {
      hold(test);
      const acts = Array.from({ length: failures }, () => fails({ retryable: true }));
      const objects = new Objects(...acts, GOOD);
      const { result, ms } = await settled(test, requireRole(objects.env, USER, "admin"));
      assert.equal(result.status, "fulfilled");
      assert.deepEqual(objects.stubs, Array.from({ length: failures + 1 }, (_, i) => i + 1));
      assert.equal(ms, failures === 1 ? 50 : 250);
    });
  }

  it("is queried at most three times", async (test) => {
    hold(test);
    await checkUnavailable(test, new Objects(fails({ retryable: true })), 3);
  });

  it("is not queried again once it is overloaded", async (test) => {
    hold(test);
    const acts = [fails({ retryable: true }), fails({ retryable: true, overloaded: true })];
    const objects = new Objects(...acts, GOOD);
    const { result } = await settled(test, requireRole(objects.env, USER, "admin"));
    await isUnavailable(thrownIn(result));
    assert.equal(objects.calls.length, 2);
  });

  it("gives 503 for every thrown value, and if reading the body fails", async (test) => {
    hold(test);
    for (const odd of ["a string", null, undefined, 7, new Response("welcome"), Symbol("s")]) {
      await checkUnavailable(test, new Objects(() => Promise.reject(odd)), 1);
    }
    const trap = Object.defineProperty({}, "overloaded", {
      get() {
        throw new Error("a throwing getter");
      },
    });
    await checkUnavailable(test, new Objects(() => Promise.reject(trap)), 1);
    const text = () => Promise.reject(new Error("Network connection lost."));
    await checkUnavailable(test, new Objects(() => ({ status: 200, text })), 1);
  });
});

describe("a role cache that takes too long", () => {
  for (const [what, act] of [
    ["to answer", hangs],
    ["to send its body", () => ({ status: 200, text: () => new Promise<string>(() => {}) })],
  ] as const) {
    it(`${what} is aborted after 2.5 s`, async (test) => {
      hold(test);
      const objects = new Objects(act);
      const { result, ms } = await settled(test, requireRole(objects.env, USER, "admin"));
      await isUnavailable(thrownIn(result));
      assert.equal(ms, 2_500);
      assert.equal(objects.calls.length, 1);
      assert.equal(objects.calls[0]?.request.signal.aborted, true);
    });
  }

  it("and fails late is not queried again, without an unhandled rejection", async (test) => {
    hold(test);
    const late = () =>
      new Promise<never>((_, fail) => {
        setTimeout(() => fail(Object.assign(new Error("late"), { retryable: true })), 3_000);
      });
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    const objects = new Objects(late, GOOD);
    const { result } = await settled(test, requireRole(objects.env, USER, "admin"));
    await isUnavailable(thrownIn(result));
    for (let turn = 0; turn < 20; turn += 1) {
      test.mock.timers.tick(100);
      await new Promise((done) => setImmediate(done));
    }
    process.off("unhandledRejection", hear);
    assert.equal(objects.calls.length, 1);
    assert.deepEqual(unheard, []);
  });

  it("has one deadline for all tries", async (test) => {
    hold(test);
    const slow = () =>
      new Promise<never>((_, fail) => {
        setTimeout(() => fail(Object.assign(new Error("slow"), { retryable: true })), 1_000);
      });
    const objects = new Objects(slow);
    const { result, ms } = await settled(test, requireRole(objects.env, USER, "admin"));
    await isUnavailable(thrownIn(result));
    assert.deepEqual([ms, objects.calls.length], [2_500, 3]);
  });

  it("leaves no timer if it answers in time", async (test) => {
    hold(test);
    const objects = new Objects(GOOD);
    await requireRole(objects.env, USER, "admin");
    test.mock.timers.tick(60_000);
    assert.equal(objects.calls[0]?.request.signal.aborted, false);
  });
});

describe("an answer of a role cache", () => {
  it("is rejected if its status is not 200, whatever its body", async (test) => {
    hold(test);
    for (const status of [204, 206, 301, 302, 400, 401, 404, 429, 500, 503, 599]) {
      await checkUnavailable(test, new Objects(says(sample("answer.live"), status)), 1);
    }
    await checkUnavailable(test, new Objects(says(sample("refusal.unreachable"), 503)), 1);
    await checkUnavailable(test, new Objects(says(sample("refusal.misdirected"), 400)), 1);
    await checkUnavailable(test, new Objects(says(sample("refusal.unreachable"), 200)), 1);
  });

  const cases: { why: string; body: string }[] = JSON.parse(sample("malformed-answers"));
  assert.equal(cases.length, 70);
  for (const { why, body } of cases) {
    it(`is rejected if malformed: ${why}`, async (test) => {
      hold(test);
      await checkUnavailable(test, new Objects(says(body)), 1);
    });
  }

  for (const [why, changes, setChanges] of [
    ["a negative age", { age_ms: -1 }, {}],
    ["an age above the exact integers", { age_ms: 2 ** 53 }, {}],
    ["a negative version", {}, { version: -1 }],
    ["a version above the exact integers", {}, { version: 2 ** 53 }],
    ["a validity that is over", { good_for_ms: -1 }, {}],
    ["a validity above the exact integers", { good_for_ms: 2 ** 60 }, {}],
  ] as const) {
    it(`is rejected with ${why}`, async (test) => {
      hold(test);
      // An expired answer is queried once more: the next may be younger.
      const tries = "good_for_ms" in changes && changes.good_for_ms === -1 ? 2 : 1;
      const objects = new Objects(saysSample("answer.live", changes, setChanges));
      await checkUnavailable(test, objects, tries);
    });
  }

  it("takes no field from a polluted prototype", async (test) => {
    hold(test);
    const { set, ...rest } = JSON.parse(sample("answer.live"));
    const { standing, ...others } = set;
    Object.defineProperty(Object.prototype, "standing", { value: standing, configurable: true });
    try {
      const body = JSON.stringify({ ...rest, set: others });
      await checkUnavailable(test, new Objects(says(body)), 1);
    } finally {
      Reflect.deleteProperty(Object.prototype, "standing");
    }
  });

  it("may have unknown fields", async () => {
    const objects = new Objects(saysSample("answer.live", { later: 1 }, { later: [{}] }));
    await requireRole(objects.env, USER, "admin");
  });

  it("is rejected below minVersion", async (test) => {
    hold(test);
    const { env } = new Objects(GOOD);
    await getRoles(env, USER, { minVersion: 1_764_000_000_123 });
    const above = getRoles(env, USER, { minVersion: 1_764_000_000_124 });
    await isUnavailable(thrownIn((await settled(test, above)).result));
  });
});

describe("an answer that expires", () => {
  const short = saysSample("answer.live", { good_for_ms: 30 });
  const after = (test: Parameters<typeof hold>[0], ms: number): typeof short => {
    return (call) => {
      test.mock.timers.tick(ms);
      return short(call);
    };
  };

  it("is accepted at its last millisecond", async (test) => {
    hold(test);
    const objects = new Objects(after(test, 30));
    await requireRole(objects.env, USER, "admin");
    assert.equal(objects.calls.length, 1);
  });

  it("in transit is queried once more", async (test) => {
    hold(test);
    const objects = new Objects(after(test, 31), GOOD);
    await requireRole(objects.env, USER, "admin");
    assert.deepEqual(objects.stubs, [1, 2]);
  });

  it("twice gives 503", async (test) => {
    hold(test);
    await checkUnavailable(test, new Objects(after(test, 31)), 2);
  });
});

describe("a Worker without role caches", () => {
  it("gives 503 if the binding is missing", async (test) => {
    const warn = hold(test);
    for (const env of [{}, { ROLES: undefined }, { ROLES: null }, null, undefined]) {
      const work = Reflect.apply(requireRole, undefined, [env, USER, "admin"]);
      await isUnavailable(await thrown(work), JSON.stringify(env));
      assert.equal(warn.mock.calls.at(-1)?.arguments[0].reason, "unbound");
    }
    for (const ROLES of ["x", {}, () => {}]) {
      const work = Reflect.apply(requireRole, undefined, [{ ROLES }, USER, "admin"]);
      await isUnavailable(await thrown(work), String(ROLES));
    }
  });

  it("gives 503 if the binding fails", async (test) => {
    hold(test);
    const fail = (): never => {
      throw new TypeError("Illegal invocation");
    };
    const stub = { fetch: fail };
    const id = { toString: () => USER };
    const broken: GuardEnv["ROLES"][] = [
      { idFromName: fail, get: () => stub },
      { idFromName: () => id, get: fail },
      { idFromName: () => id, get: () => stub },
    ];
    for (const ROLES of broken) {
      await isUnavailable(await thrown(requireRole({ ROLES }, USER, "admin")));
    }
  });

  it("logs the reason once and does not send it", async (test) => {
    const warn = hold(test);
    const log = async (objects: Objects) => {
      warn.mock.resetCalls();
      const { result } = await settled(test, requireRole(objects.env, USER, "admin"));
      await isUnavailable(thrownIn(result));
      assert.equal(warn.mock.callCount(), 1);
      const { reason, ...rest } = warn.mock.calls[0]?.arguments[0] ?? {};
      assert.deepEqual(Object.keys(rest), ["message", "detail", "user.id"]);
      assert.equal(rest["user.id"], USER);
      return [reason, rest.detail];
    };
    const refusal = says(sample("refusal.misdirected"), 400);
    const below = new Objects(saysSample("answer.live", { good_for_ms: -1 }));
    assert.deepEqual(await log(new Objects(fails({ overloaded: true }))), [
      "overloaded",
      "Network connection lost.",
    ]);
    assert.equal((await log(new Objects(fails({ retryable: true }))))[0], "unreachable");
    assert.deepEqual(await log(new Objects(hangs)), ["timeout", "no answer within 2500 ms"]);
    assert.deepEqual(await log(new Objects(refusal)), [
      "refused",
      "the role cache answered 400: misdirected",
    ]);
    assert.equal((await log(new Objects(says("{}"))))[0], "malformed");
    assert.equal((await log(below))[0], "stale");
  });
});
