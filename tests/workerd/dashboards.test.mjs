// The dashboards and the alert rules, against a real Prometheus that has scraped the real console:
// each expression runs, each series that one names is there, and what moves is seen to move.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { METRICS_TOKEN, TOKEN } from "./support/console.mjs";
import { OTHER_SECRET, deliver } from "./support/delivery.mjs";
import { JOB, startPrometheus } from "./support/prometheus.mjs";
import { PEM_VARS } from "./support/sessions.mjs";
import { ROOT, start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const RULES = path.join(ROOT, "alerts/rolecall.rules.yml");
const FOLDER = path.join(ROOT, "dashboards");

/** What Grafana puts in. The window holds several scrapes. */
const VARIABLES = { $__rate_interval: "1m", $__range: "5m", $job: JOB };

/** Nothing is wrong here, so no alert fires. */
const QUIET = ["overview.json: Firing alerts"];

/** Panels whose values must grow with the traffic of this test. */
const MOVING = [
  "overview.json: Events", "overview.json: Guard answers", "overview.json: Parked dead letters",
  "pipeline.json: Deliveries by outcome", "pipeline.json: Deliveries by type",
  "pipeline.json: Refusals", "pipeline.json: Events by outcome", "pipeline.json: Hints by answer",
  "pipeline.json: Messages in a batch", "pipeline.json: From Clerk to the commit",
  "guard.json: Answers by outcome", "guard.json: Answers by reason",
  "guard.json: Role sets by source", "guard.json: Reads from D1",
  "operators.json: Parked by reason", "operators.json: Parking",
  "operators.json: Queries by Worker", "operators.json: Rows written", "operators.json: Flushes",
];

/** Every query of every panel. */
function* queries() {
  for (const file of readdirSync(FOLDER)) {
    const { panels } = JSON.parse(readFileSync(path.join(FOLDER, file), "utf8"));
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) yield { name: `${file}: ${title}`, expr: filled(expr) };
    }
  }
}

function filled(expr) {
  const text = Object.entries(VARIABLES).reduce((all, [name, to]) => all.replaceAll(name, to), expr);
  assert.doesNotMatch(text, /\$/, "a variable of Grafana is left");
  return text;
}

/** Returns the series that an expression names, without their windows. */
const selectors = (expr) => expr.match(/rolecall_\w+(?:\{[^}]*\})?/g) ?? [];

describe("dashboards and alert rules on real series", () => {
  let system, prometheus, rules;

  before(async () => {
    const vars = { METER_INTERVAL_MS: "0" };
    system = await start({
      console: { vars, secrets: { OPERATOR_TOKEN: TOKEN, METRICS_TOKEN } },
      ssr: { vars: { ...PEM_VARS, ...vars } },
      ingest: { vars }, consumer: { vars }, durable: { vars },
    });
    const target = { url: new URL("/metrics", system.url), token: METRICS_TOKEN };
    prometheus = await startPrometheus({ targets: [target], rules: [RULES] });
    await prometheus.scraped();
    await traffic();
    await prometheus.scraped();
    const { groups } = await prometheus.ask("rules");
    rules = groups.flatMap((group) => group.rules);
  });
  after(async () => {
    await prometheus?.stop();
    await system?.stop();
  });

  /** Something of each kind that the panels show. */
  async function traffic() {
    const users = [clerk.newId("user"), clerk.newId("user")];
    for (const user of users) {
      const sent = await deliver(system.ingest, clerk.user(user));
      assert.equal(sent.status, 202);
      await system.waitForOutcome(sent);
      await system.waitForStatus(user, "/dashboard", 200);
      assert.equal((await system.get(user, "/admin")).status, 403);
      const granted = clerk.withRole(user, "admin");
      await system.waitForOutcome(await deliver(system.ingest, granted));
      await system.waitForStatus(user, "/admin", 200);
    }
    await deliver(system.ingest, clerk.user(users[0]), { secret: OTHER_SECRET });
    await system.enqueue("no envelope");
    await waitFor("it is parked", () => system.row("SELECT * FROM dead_letters"));
    await system.sweep();
    await system.get(users[0], "/dashboard");
    await canary();
  }

  /** Runs of a canary: one that was seen, with a slow queue, and one that waits for its delivery. */
  async function canary() {
    const insert = `INSERT INTO canary_runs (
        began_at, role, changed_at, arrived_at, queued_at, taken_at, committed_at, seen_at
      ) VALUES (?1, 'rolecall-canary-a', ?2, ?3, ?4, ?5, ?6, ?7)`;
    const began = Date.now() - 30_000;
    const ends = [100, 200, 300, 8_300, 8_400, 8_500].map((ms) => began + ms);
    await system.sql(insert, began, ...ends);
    await system.sql(insert, began + 10_000, began + 10_100, null, null, null, null, null);
  }

  it("every rule is evaluated without an error, and only the Watchdog fires", async () => {
    const written = readFileSync(RULES, "utf8").match(/- alert: /g).length;
    assert.equal(rules.length, written);
    await waitFor("all are evaluated", async () => {
      const { groups } = await prometheus.ask("rules");
      return groups.flatMap((group) => group.rules).every(({ health }) => health !== "unknown");
    });
    const { groups } = await prometheus.ask("rules");
    const evaluated = groups.flatMap((group) => group.rules);
    for (const { name, health, lastError } of evaluated) assert.equal(health, "ok", lastError ?? name);
    const firing = evaluated.filter(({ state }) => state === "firing").map(({ name }) => name);
    assert.deepEqual(firing, ["RolecallWatchdog"]);
  });

  it("every series that a rule or a panel names is there", async () => {
    const all = [
      ...rules.map(({ name, query }) => ({ name, expr: query })),
      ...queries(),
    ];
    const named = new Map(all.flatMap(({ name, expr }) => selectors(expr).map((it) => [it, name])));
    assert.ok(named.size > 60, `only ${named.size}; does this test look in the right place?`);
    for (const [selector, name] of named) {
      const found = await prometheus.query(selector);
      assert.ok(found.length > 0, `${name}: ${selector}`);
    }
  });

  it("every query of a panel has a result", async () => {
    for (const { name, expr } of queries()) {
      const found = await prometheus.query(expr);
      assert.equal(found.length === 0, QUIET.includes(name), `${name}: ${expr}`);
    }
  });

  it("the canary's stages are told apart", async () => {
    const of = async (metric) => {
      const found = await prometheus.query(`rolecall_canary_${metric}{job="${JOB}"}`);
      const values = found.map(({ metric: { stage }, value: [, text] }) => [stage, Number(text)]);
      return Object.fromEntries(values);
    };
    const took = await of("stage_seconds");
    assert.deepEqual(took, { clerk: 0.1, sender: 0.1, door: 0.1, queue: 8, d1: 0.1, hint: 0.1 });
    const { sender, ...others } = await of("waiting_seconds");
    assert.ok(sender > 10, `${sender}`);
    assert.deepEqual(others, { clerk: 0, door: 0, queue: 0, d1: 0, hint: 0 });
  });

  it("what the traffic changes is seen", async () => {
    const asked = [...queries()];
    for (const panel of MOVING) {
      const [query] = asked.filter(({ name }) => name === panel);
      assert.ok(query, `there is no panel ${panel}`);
      await waitFor(`${panel} moves: ${query.expr}`, async () => {
        const found = await prometheus.query(query.expr);
        return found.some(({ value: [, number] }) => Number(number) > 0);
      });
    }
  });
});
