// The path from the queue to the role caches, in which every step can be stopped: builds with fault
// points, a consumer that gets its messages from the test, and checks of the final
// state.

import assert from "node:assert/strict";

import * as clerk from "./clerk.mjs";
import { deliver, newId } from "./delivery.mjs";
import { sinkOf, startDirect, workerOf } from "./direct.mjs";
import { FaultPoints } from "./fault-points.mjs";
import { PEM_VARS, bearer, mint } from "./sessions.mjs";
import { waitFor } from "./wait.mjs";

export const EVENTS = "rolecall-events";

/** `ROLES` has the ages of wrangler.toml, `IDLE` ends its watches soon. */
const CACHES = { ROLES: "rolecall-durable", IDLE: "idle" };

/** Soon, but not before a query is answered. */
const IDLE_MS = 1_500;

/** Starts it. `folder` keeps its data. */
export async function startPipeline({ folder } = {}) {
  const faultPoints = new FaultPoints();
  const sealed = [];
  const workers = [
    faultPoints.worker("consumer", { queueConsumers: undefined }),
    faultPoints.worker("durable"),
    faultPoints.worker("durable", { name: CACHES.IDLE, bindings: { ROLES_IDLE_MS: `${IDLE_MS}` } }),
    workerOf("ssr", { bindings: PEM_VARS }),
    workerOf("ingest", { queueProducers: { EVENTS: { queueName: "sealed" } } }),
    sinkOf(sealed, "sealed"),
  ];
  const system = await startDirect(workers, { caches: CACHES, folder });
  const names = ["rolecall-consumer", "rolecall-ingest"];
  const [consumer, ingest] = await Promise.all(names.map((name) => system.worker(name)));
  return new Pipeline({ system, faultPoints, sealed, consumer, ingest });
}

class Pipeline {
  constructor(parts) {
    Object.assign(this, parts);
    this.sql = this.system.sql;
  }

  /** Ends everything at once, even running requests. */
  stop() {
    return this.system.stop();
  }

  /** Returns the queue's message for an event, as ingest encodes it. */
  async message(event, { attempts = 1 } = {}) {
    const { id, status } = await deliver(this.ingest, event, { id: newId() });
    assert.equal(status, 202);
    const isIt = (text) => JSON.parse(text).svix_id === id;
    return messageOf(await waitFor("it is encoded", () => this.sealed.find(isIt)), { id, attempts });
  }

  /** Dispatches messages to the consumer, and returns its result, even after a crash. */
  async dispatch(messages, queue = EVENTS) {
    const { outcome, explicitAcks, retryMessages } = await this.consumer.queue(queue, messages);
    const back = new Map(retryMessages.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]));
    return { isAlive: outcome === "ok", acked: explicitAcks, back };
  }

  /** Runs the consumer's cron, and returns whether it came to its end. */
  async sweep() {
    const { outcome } = await this.consumer.scheduled({ cron: "* * * * *" });
    return outcome === "ok";
  }

  /** Creates a user with a row and a filled role cache. */
  async watched(binding = "ROLES") {
    const user = clerk.newId("user");
    await this.write(user, []);
    await this.ask(user, binding);
    return user;
  }

  /** Commits roles as other writers do, without a hint. */
  write(user, roles) {
    return this.sql(
      `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
       VALUES (?1, ?2, 0, 1, 1, 1, '') ON CONFLICT (id) DO UPDATE SET app_roles = ?2`,
      user,
      JSON.stringify(roles),
    );
  }

  async watch(user) {
    return (await this.sql("SELECT * FROM watches WHERE user_id = ?1", user))[0];
  }

  /** Returns the answer of the user's role cache. */
  async ask(user, binding = "ROLES") {
    const { status, body } = await this.system.tell(binding, user, "ask", {});
    assert.equal(status, 200, JSON.stringify(body));
    return { version: body.set.version, roles: body.set.roles };
  }

  /** Returns the status of a guarded page. */
  async guard(user, where = "/admin") {
    const ssr = await this.system.worker("rolecall-ssr");
    const request = { headers: bearer(mint(user)), redirect: "manual" };
    return (await ssr.fetch(`https://app.example.com${where}`, request)).status;
  }

  async hint(user, { owner, version }) {
    return (await this.system.tell("ROLES", user, "hint", { owner, version })).body;
  }

  /** Returns the roles of a user in the rows. */
  async rolesOf(user) {
    const text = `SELECT r.name FROM user_roles u JOIN roles r ON r.id = u.role_id
      WHERE u.user_id = ?1 ORDER BY r.name`;
    return (await this.sql(text, user)).map(({ name }) => name);
  }

  /** I7: the role cache agrees with the rows, and no hint is pending. */
  async checkAgreement(user) {
    const said = await this.ask(user);
    const { version, acked } = await this.watch(user);
    assert.deepEqual(said, { version, roles: await this.rolesOf(user) }, user);
    assert.equal(acked, version, "nothing is owed");
  }
}

/** Makes a message with a literal body. */
export function messageOf(body, { id = newId(), attempts = 1 } = {}) {
  return { id, timestamp: new Date(Date.now() - 1_000), attempts, body };
}
