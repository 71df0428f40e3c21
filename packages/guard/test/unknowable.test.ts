// What cannot be known is 503: objects that fail, hang or answer oddly, sets that are too old.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { GuardEnv } from "../src/index.ts";
import { requirePermission, requireRole, roles } from "../src/index.ts";
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

/** Every guard on `objects` is closed; in each the object is asked `tries` times. */
async function isClosed(test: Parameters<typeof hold>[0], objects: Objects, tries: number) {
  const permission = "org:posts:write";
  const guards: (() => Promise<unknown>)[] = [
    () => requireRole(objects.env, USER, "admin"),
    () => requirePermission(objects.env, USER, { organization: ORG, permission }),
    () => roles(objects.env, USER),
  ];
  for (const guard of guards) {
    const before = objects.calls.length;
    const { result } = await settled(test, guard());
    await isUnavailable(thrownIn(result));
    assert.equal(objects.calls.length - before, tries);
  }
}

describe("an object that fails", () => {
  for (const [what, words] of [
    ["for good", {}],
    ["for want of time, which a new try would take more of", { overloaded: true }],
    ["for want of time, and says that it may be asked again", { overloaded: 1, retryable: true }],
    ["and says something odd", { retryable: "true" }],
  ] as const) {
    it(`is asked once when it fails ${what}`, async (test) => {
      hold(test);
      await isClosed(test, new Objects(fails(words)), 1);
    });
  }

  for (const failures of [1, 2]) {
    it(`is asked again when that may help, through a new stub: ${failures}`, async (test) => {
      hold(test);
      const acts = Array.from({ length: failures }, () => fails({ retryable: true }));
      const objects = new Objects(...acts, GOOD);
      const { result, ms } = await settled(test, requireRole(objects.env, USER, "admin"));
      assert.equal(result.status, "fulfilled");
      assert.deepEqual(objects.stubs, Array.from({ length: failures + 1 }, (_, i) => i + 1));
      assert.equal(ms, failures === 1 ? 50 : 250);
    });
  }

  it("is asked three times at most", async (test) => {
    hold(test);
    await isClosed(test, new Objects(fails({ retryable: true })), 3);
  });

  it("is not asked again once it says that it has too much to do", async (test) => {
    hold(test);
    const acts = [fails({ retryable: true }), fails({ retryable: true, overloaded: true })];
    const objects = new Objects(...acts, GOOD);
    const { result } = await settled(test, requireRole(objects.env, USER, "admin"));
    await isUnavailable(thrownIn(result));
    assert.equal(objects.calls.length, 2);
  });

  it("closes whatever it throws, and while its body is read too", async (test) => {
    hold(test);
    for (const odd of ["a text", null, undefined, 7, new Response("welcome"), Symbol("s")]) {
      await isClosed(test, new Objects(() => Promise.reject(odd)), 1);
    }
    const trap = Object.defineProperty({}, "overloaded", {
      get() {
        throw new Error("a trap");
      },
    });
    await isClosed(test, new Objects(() => Promise.reject(trap)), 1);
    const text = () => Promise.reject(new Error("Network connection lost."));
    await isClosed(test, new Objects(() => ({ status: 200, text })), 1);
  });
});

describe("an object that takes too long", () => {
  for (const [what, act] of [
    ["to answer", hangs],
    ["over its body", () => ({ status: 200, text: () => new Promise<string>(() => {}) })],
  ] as const) {
    it(`${what} is given up after 2.5 s`, async (test) => {
      hold(test);
      const objects = new Objects(act);
      const { result, ms } = await settled(test, requireRole(objects.env, USER, "admin"));
      await isUnavailable(thrownIn(result));
      assert.equal(ms, 2_500);
      assert.equal(objects.calls.length, 1);
      assert.equal(objects.calls[0]?.request.signal.aborted, true);
    });
  }

  it("and fails late is not asked again, and nobody hears of it", async (test) => {
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

  it("has its time measured over all tries", async (test) => {
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

  it("leaves no timer behind when it answers in time", async (test) => {
    hold(test);
    const objects = new Objects(GOOD);
    await requireRole(objects.env, USER, "admin");
    test.mock.timers.tick(60_000);
    assert.equal(objects.calls[0]?.request.signal.aborted, false);
  });
});

describe("an answer", () => {
  it("with another status than 200 is none, whatever stands in it", async (test) => {
    hold(test);
    for (const status of [204, 206, 301, 302, 400, 401, 404, 429, 500, 503, 599]) {
      await isClosed(test, new Objects(says(sample("answer.live"), status)), 1);
    }
    await isClosed(test, new Objects(says(sample("refusal.unreachable"), 503)), 1);
    await isClosed(test, new Objects(says(sample("refusal.misdirected"), 400)), 1);
    await isClosed(test, new Objects(says(sample("refusal.unreachable"), 200)), 1);
  });

  const cases: { why: string; body: string }[] = JSON.parse(sample("malformed-answers"));
  assert.equal(cases.length, 70);
  for (const { why, body } of cases) {
    it(`is not taken when malformed: ${why}`, async (test) => {
      hold(test);
      await isClosed(test, new Objects(says(body)), 1);
    });
  }

  for (const [why, changes, setChanges] of [
    ["an age below zero", { age_ms: -1 }, {}],
    ["an age that no double carries", { age_ms: 2 ** 53 }, {}],
    ["a version below zero", {}, { version: -1 }],
    ["a version that no double carries", {}, { version: 2 ** 53 }],
    ["a time that is over", { good_for_ms: -1 }, {}],
    ["a time that no double carries", { good_for_ms: 2 ** 60 }, {}],
  ] as const) {
    it(`is not taken with ${why}`, async (test) => {
      hold(test);
      // One that is over is asked for once more: the next may be younger.
      const tries = "good_for_ms" in changes && changes.good_for_ms === -1 ? 2 : 1;
      await isClosed(test, new Objects(saysSample("answer.live", changes, setChanges)), tries);
    });
  }

  it("is not filled up from a prototype that somebody has spoilt", async (test) => {
    hold(test);
    const { set, ...rest } = JSON.parse(sample("answer.live"));
    const { standing, ...others } = set;
    Object.defineProperty(Object.prototype, "standing", { value: standing, configurable: true });
    try {
      const body = JSON.stringify({ ...rest, set: others });
      await isClosed(test, new Objects(says(body)), 1);
    } finally {
      Reflect.deleteProperty(Object.prototype, "standing");
    }
  });

  it("may say more than is known here", async () => {
    const objects = new Objects(saysSample("answer.live", { later: 1 }, { later: [{}] }));
    await requireRole(objects.env, USER, "admin");
  });

  it("below the version asked for is none", async (test) => {
    hold(test);
    const { env } = new Objects(GOOD);
    await roles(env, USER, { minVersion: 1_764_000_000_123 });
    const above = roles(env, USER, { minVersion: 1_764_000_000_124 });
    await isUnavailable(thrownIn((await settled(test, above)).result));
  });
});

describe("an answer that runs out", () => {
  const short = saysSample("answer.live", { good_for_ms: 30 });
  const after = (test: Parameters<typeof hold>[0], ms: number): typeof short => {
    return (call) => {
      test.mock.timers.tick(ms);
      return short(call);
    };
  };

  it("just in time still counts", async (test) => {
    hold(test);
    const objects = new Objects(after(test, 30));
    await requireRole(objects.env, USER, "admin");
    assert.equal(objects.calls.length, 1);
  });

  it("on its way is asked for once more", async (test) => {
    hold(test);
    const objects = new Objects(after(test, 31), GOOD);
    await requireRole(objects.env, USER, "admin");
    assert.deepEqual(objects.stubs, [1, 2]);
  });

  it("twice is 503", async (test) => {
    hold(test);
    await isClosed(test, new Objects(after(test, 31)), 2);
  });
});

describe("a Worker", () => {
  it("without the binding lets nobody pass", async (test) => {
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

  it("whose binding fails lets nobody pass", async (test) => {
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

  it("says why in its log, once, and tells nobody else", async (test) => {
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
      "the object refused with 400: misdirected",
    ]);
    assert.equal((await log(new Objects(says("{}"))))[0], "malformed");
    assert.equal((await log(below))[0], "stale");
  });
});
