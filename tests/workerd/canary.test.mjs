// The canary, from Clerk's API to a guard: the local Clerk, ingest, a real queue, the consumer and
// the role caches. Each stage is slowed in turn, and a scrape of the console has to name it.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { Response } from "miniflare";

import * as clerkEvents from "./support/clerk.mjs";
import { METRICS_TOKEN, ask } from "./support/console.mjs";
import { deliver, nowSeconds } from "./support/delivery.mjs";
import { standIn, startDirect, workerOf } from "./support/direct.mjs";
import { FaultPoints } from "./support/fault-points.mjs";
import { SECRET_KEY, startLocalClerk } from "./support/local-clerk.mjs";
import { startRelay } from "./support/relay.mjs";
import { bearer } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const CANARY = "user_2canary0000000000000001";
const EVENTS = "rolecall-events";
const STAGES = ["clerk", "sender", "door", "queue", "d1", "hint"];

/** How long a stage is held: longer than all others together. */
const HELD_MS = 2_000;

describe("the canary", () => {
  const faultPoints = new FaultPoints();
  /** What the queue is asked to do with the next message: a pause, or options of `send`. */
  let onSend = () => ({});
  let relay, api, clerk, system, consumer;
  /** Consumers by their settings. Each has a name, and the same database. */
  const consumers = {};

  before(async () => {
    [relay, api] = [await startRelay(), await startRelay()];
    clerk = await startLocalClerk("http://127.0.0.1:9", { webhook: `${relay.url}/webhooks/clerk` });
    api.to(clerk.url);
    const bindings = {
      CANARY_USER_ID: CANARY,
      CLERK_SECRET_KEY: SECRET_KEY,
      CLERK_API_URL: `${api.url}/v1`,
    };
    const queueConsumers = { [EVENTS]: { maxBatchSize: 100, maxBatchTimeout: 0 } };
    const other = (name, change) =>
      faultPoints.worker("consumer", {
        name,
        queueConsumers: undefined,
        bindings: { ...bindings, ...change },
      });
    const TEST = async () => Response.json(await onSend());
    system = await startDirect(
      [
        faultPoints.worker("consumer", { bindings, queueConsumers }),
        other("off", { CANARY_USER_ID: undefined, CLERK_SECRET_KEY: undefined }),
        other("no-key", { CLERK_SECRET_KEY: undefined }),
        other("no-user", { CANARY_USER_ID: undefined }),
        other("wrong-key", { CLERK_SECRET_KEY: "sk_test_of_somebody_else" }),
        other("no-clerk", { CLERK_API_URL: "http://127.0.0.1:9/v1" }),
        faultPoints.worker("durable"),
        workerOf("console", { bindings: { METRICS_TOKEN } }),
        workerOf("ingest", {
          queueProducers: undefined,
          wrappedBindings: { EVENTS: "controlled-queue" },
        }),
        standIn("controlled-queue", {
          queueProducers: { REAL: { queueName: EVENTS } },
          serviceBindings: { TEST },
        }),
      ],
      { caches: { ROLES: "rolecall-durable" } },
    );
    relay.to(String(await system.url("rolecall-ingest")));
    consumer = await system.worker("rolecall-consumer");
    for (const name of ["off", "no-key", "no-user", "wrong-key", "no-clerk"]) {
      consumers[name] = await system.worker(name);
    }
    // The user that an operator makes for it.
    const made = clerkEvents.user(CANARY, { public_metadata: {} });
    const { type, data } = made;
    await local("POST", "/local/deliveries", { type, data });
    await waitFor("the user is synced", async () => (await user()).length === 1);
  });
  after(async () => {
    clerk?.stop();
    relay?.stop();
    api?.stop();
    await system?.stop();
  });
  afterEach(async () => {
    faultPoints.release();
    onSend = () => ({});
    await local("PUT", "/local/faults", {});
    // The next test begins with a run of its own.
    await system.sql("DELETE FROM canary_runs");
  });

  const user = () => system.sql("SELECT * FROM users WHERE id = ?1", CANARY);
  const runs = () => system.sql("SELECT * FROM canary_runs ORDER BY began_at");
  const newest = async () => (await runs()).at(-1);

  async function scrape() {
    const url = await system.url("rolecall-console");
    const { status, text } = await ask(url, "/metrics", { headers: bearer(METRICS_TOKEN) });
    assert.equal(status, 200, text);
    return text;
  }

  /** Scrapes the console. Returns the seconds of a metric by its label `stage`, in their order. */
  async function scraped(metric) {
    const text = await scrape();
    const line = new RegExp(`^rolecall_canary_${metric}\\{stage="(\\w+)"\\} (.*)$`, "gm");
    return [...text.matchAll(line)].map(([, stage, value]) => [stage, Number(value)]);
  }

  /** The stage at which the canary waits, says the console; `undefined` if it waits for none. */
  async function waitsFor() {
    const waiting = await scraped("waiting_seconds");
    assert.deepEqual(waiting.map(([stage]) => stage), STAGES);
    const stages = waiting.filter(([, seconds]) => 0 < seconds).map(([stage]) => stage);
    assert.ok(stages.length <= 1, `it waits for one stage: ${waiting}`);
    return stages[0];
  }

  async function local(method, path, body) {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(clerk.url + path, { method, headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
    return answer.json();
  }

  async function sweep(worker = consumer) {
    const { outcome } = await worker.scheduled({ cron: "* * * * *" });
    assert.equal(outcome, "ok");
  }

  const seen = () =>
    waitFor("a guard sees the change", async () => {
      const run = await newest();
      return run?.seen_at && run.changed_at && run;
    });

  const passed = (since) => waitFor("it was held", () => HELD_MS <= Date.now() - since);

  it("measures a whole run, and each run changes the role set", async () => {
    const versions = [];
    for (const _ of [1, 2, 3]) {
      await sweep();
      const run = await seen();
      assert.equal(run.problem, null);
      assert.ok(run.began_at <= run.asked_at && run.asked_at <= run.changed_at);
      const shown = await system.tell("ROLES", CANARY, "ask", {});
      const { roles, version } = shown.body.set;
      assert.ok(roles.includes(run.role), `${roles}`);
      assert.equal(roles.filter((name) => name.startsWith("rolecall-canary-")).length, 1);
      versions.push(version);
    }
    const all = await runs();
    assert.equal(all.length, 3, "one run for each sweep");
    const roles = all.map(({ role }) => role);
    assert.deepEqual(roles, [roles[0], roles[1], roles[0]]);
    assert.notEqual(roles[0], roles[1]);
    assert.ok(versions[0] < versions[1] && versions[1] < versions[2], `${versions}`);
    // What Clerk answered is what it delivered.
    const [{ updated_at }] = await user();
    assert.equal(all.at(-1).updated_at, updated_at);
  });

  describe("names the stage that is slow", () => {
    /** Holds `stage` by `hold`: a scrape has to name it, while the run waits and afterwards. */
    async function check(stage, hold, isSeen = stage) {
      const { begin, open } = await hold();
      const sweeping = sweep();
      await begin?.();
      const since = Date.now();
      if (isSeen !== null) {
        const is = async () => (await waitsFor()) === isSeen;
        await waitFor(`the console says that the canary waits for ${isSeen}`, is);
      }
      await passed(since);
      await open?.();
      await sweeping;
      const run = await seen();
      const stages = await scraped("stage_seconds");
      assert.deepEqual(stages.map(([name]) => name), STAGES, JSON.stringify(run));
      const took = Object.fromEntries(stages)[stage];
      assert.ok(HELD_MS / 1_000 <= took, `${stages}`);
      const others = stages.filter(([name]) => name !== stage);
      assert.ok(others.every(([, seconds]) => seconds < took), `${stage} is slowest: ${stages}`);
      assert.equal(await waitsFor(), undefined, "it was seen");
    }

    const faults = (switches) => async () => {
      await local("PUT", "/local/faults", switches);
      return {};
    };
    const pause = (point) => async () => {
      const { open, reached } = faultPoints.pauseAll((it) => it === point);
      return { begin: () => reached(1), open };
    };

    it("clerk", () => check("clerk", faults({ answer_delay_ms: HELD_MS + 500 })));
    it("sender", () => check("sender", faults({ delay_ms: HELD_MS + 500 })));
    // Until the consumer has it, no row can tell the door and the queue from the sender.
    it("door", () =>
      check(
        "door",
        async () => {
          let [open, arrive] = [];
          const opened = new Promise((done) => (open = done));
          const arrived = new Promise((done) => (arrive = done));
          onSend = async () => {
            arrive();
            await opened;
            return {};
          };
          return { begin: () => arrived, open };
        },
        "sender",
      ));
    it("queue", () =>
      check(
        "queue",
        async () => {
          onSend = () => ({ delaySeconds: Math.ceil(HELD_MS / 1_000) + 1 });
          return {};
        },
        "sender",
      ));
    it("d1", () => check("d1", pause("batch-planned")));
    it("hint", () => check("hint", pause("hints-begun"), null));
  });

  it("acknowledges the batch before it looks, and looks again in the next sweep", async () => {
    // Nobody looks behind the batch: as if the consumer had died there.
    const looking = faultPoints.pauseAll((point) => point === "canary-looking");
    await sweep();
    await looking.reached(1);
    const { type, data } = clerkEvents.user(clerkEvents.newId("user"));
    await local("POST", "/local/deliveries", { type, data });
    await waitFor("other deliveries go on", async () => {
      const rows = await system.sql("SELECT id FROM users WHERE id = ?1", data.id);
      return rows.length === 1;
    });
    looking.open();
    await seen();
    // A run that nobody saw behind its batch.
    const run = await newest();
    await system.sql("UPDATE canary_runs SET seen_at = NULL");
    await sweep();
    const again = await newest();
    assert.equal(again.began_at, run.began_at);
    assert.ok(run.seen_at <= again.seen_at);
  });

  it("does not begin a second run while one is open, nor wait for a late one", async () => {
    await local("PUT", "/local/faults", { drop_every: 1 });
    await sweep();
    assert.equal(await waitsFor(), "sender");
    await sweep();
    assert.equal((await runs()).length, 1, "one open run at most");
    // As if it had begun five minutes ago.
    await system.sql("UPDATE canary_runs SET began_at = began_at - 300000");
    const [late] = await runs();
    await local("PUT", "/local/faults", {});
    await sweep();
    const run = await seen();
    assert.deepEqual(await runs(), [late, run], "the late run stays as it is");
  });

  it("does not take a late delivery of an earlier run for one of this run", async () => {
    await local("PUT", "/local/faults", { drop_every: 1 });
    await sweep();
    const run = await newest();
    // The same role, but of a change before this run.
    const before = run.began_at - 60_000;
    const fields = { public_metadata: { roles: [run.role] } };
    const old = clerkEvents.user(CANARY, fields, { verb: "updated", at: before });
    const ingest = await system.worker("rolecall-ingest");
    const { id } = await deliver(ingest, old, { at: nowSeconds() });
    await waitFor("it is processed", async () => {
      const rows = await system.sql("SELECT outcome FROM deliveries WHERE svix_id = ?1", id);
      return rows.length === 1;
    });
    await sweep();
    const [after] = await runs();
    assert.deepEqual([after.arrived_at, after.seen_at], [null, null]);
  });

  describe("shows silence", () => {
    const cases = [
      ["wrong-key", "refused with status 401: check CLERK_SECRET_KEY"],
      ["no-clerk", "no connection"],
    ];
    for (const [name, problem] of cases) {
      it(`${name}: each minute has a run with its problem`, async () => {
        await sweep(consumers[name]);
        await sweep(consumers[name]);
        const all = await runs();
        assert.deepEqual(all.map((run) => run.problem), [problem, problem]);
        assert.equal(await waitsFor(), "clerk");
      });
    }

    it("429: the next minute asks again", async () => {
      await local("PUT", "/local/faults", { limit_every: 1 });
      await sweep();
      assert.equal((await newest()).problem, "status 429");
      await local("PUT", "/local/faults", {});
      await sweep();
      const run = await seen();
      assert.equal(run.problem, null);
    });

    it("after a run that Clerk refused, the next one waits where it is held", async () => {
      await local("PUT", "/local/faults", { limit_every: 1 });
      await sweep();
      await local("PUT", "/local/faults", {});
      const { open, reached } = faultPoints.pauseAll((it) => it === "batch-planned");
      await sweep();
      await reached(1);
      const isHeld = async () => {
        const waiting = Object.fromEntries(await scraped("waiting_seconds"));
        return 0 < waiting.clerk && 0 < waiting.d1;
      };
      await waitFor("it waits for clerk since the first run, and now for d1", isHeld);
      open();
      await seen();
      assert.equal(await waitsFor(), undefined);
    });

    it("Clerk does not answer: the run says so, and deliveries go on", async () => {
      await local("PUT", "/local/faults", { answer_delay_ms: 30_000 });
      await sweep();
      assert.equal((await newest()).problem, "timed out");
    });
  });

  it("a hint that never comes is named, by a run that was committed", async () => {
    await sweep();
    await seen();
    await system.sql("DELETE FROM watches WHERE user_id = ?1", CANARY);
    await sweep();
    await waitFor("it stops looking", () => system.logs().includes("change is not seen yet"));
    assert.equal(await waitsFor(), "hint", JSON.stringify(await runs()));
  });

  it("waits for the hint when Clerk's answer was lost and its delivery is committed", async () => {
    const now = Date.now();
    const ends = [1, 2, 3, 4].map((n) => now - 50_000 + n);
    await system.sql(
      `INSERT INTO canary_runs
         (began_at, role, asked_at, arrived_at, queued_at, taken_at, committed_at, problem)
       VALUES (${now - 60_000}, 'rolecall-canary-a', ${now - 59_000}, ${ends}, 'lost')`,
    );
    assert.equal(await waitsFor(), "hint");
  });

  it("leaves a user alone who has roles of its own", async () => {
    const ingest = await system.worker("rolecall-ingest");
    /** Gives the canary's user these roles, and waits until the role cache shows them. */
    const give = async (roles) => {
      const change = { verb: "updated", at: Date.now() };
      const changed = clerkEvents.user(CANARY, { public_metadata: { roles } }, change);
      await deliver(ingest, changed, { at: nowSeconds() });
      await waitFor(`a guard sees ${roles}`, async () => {
        const { body } = await system.tell("ROLES", CANARY, "ask", { fresh: true });
        const shown = body.set.roles.filter((role) => role !== "member");
        return String(shown) === String(roles);
      });
    };
    await give(["admin"]);
    const asked = api.requests.length;
    await sweep();
    assert.deepEqual([await runs(), api.requests.length], [[], asked]);
    assert.match(system.logs(), /the canary would replace the roles of its user/);
    await give([]);
    await sweep();
    await seen();
  });

  it("off asks Clerk for nothing, and forgets its runs", async () => {
    await system.sql("INSERT INTO canary_runs (began_at, role) VALUES (1, 'rolecall-canary-a')");
    const asked = api.requests.length;
    assert.ok(10 < asked, `${asked}: does this test look at the right place?`);
    const failed = /^rolecall_sweep_steps_total\{step="canary",result="failed"\} (\d+)$/m;
    const failures = async () => Number(failed.exec(await scrape())[1]);
    for (const name of ["no-key", "no-user"]) {
      const before = await failures();
      await sweep(consumers[name]);
      assert.equal((await runs()).length, 1, `${name} is a mistake: its silence must show`);
      const isCounted = async () => (await failures()) === before + 1;
      await waitFor(`${name} is a step that fails, for the alerts`, isCounted);
    }
    await sweep(consumers.off);
    assert.deepEqual(await runs(), []);
    assert.deepEqual(await scraped("waiting_seconds"), [], "without a canary there is no series");
    assert.equal(api.requests.length, asked);
    const logs = system.logs();
    assert.match(logs, /CLERK_SECRET_KEY is not set, and the canary of CANARY_USER_ID needs it/);
    assert.match(logs, /CANARY_USER_ID is not set, and CLERK_SECRET_KEY is for its canary alone/);
  });

  it("logs no secret key", async () => {
    await sweep(consumers["wrong-key"]);
    const logs = system.logs();
    assert.match(logs, /Clerk refused the canary's change/);
    for (const secret of [SECRET_KEY, "sk_test_of_somebody_else", "Bearer"]) {
      assert.ok(!logs.includes(secret), secret);
    }
  });
});
