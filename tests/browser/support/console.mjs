// The console with the pipeline behind it, on an empty state, each on a free port, and the letters
// of a bad night. They come through the real pipeline: signed deliveries through ingest and the
// queue.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { start } from "../../../tools/xtask/js/system.mjs";
import * as clerk from "../../workerd/support/clerk.mjs";
import { SECRET, deliver } from "../../workerd/support/delivery.mjs";
import { checkLogFile } from "../../workerd/support/log-lines.mjs";
import { ROOT } from "../../workerd/support/system.mjs";
import { waitFor } from "../../workerd/support/wait.mjs";
import { freePorts } from "./ports.mjs";

/** What opens the console. */
export const TOKEN = "browser-0123456789-0123456789-0123456789";

/** Closes the table of users, as a mistake in a migration can. */
const CLOSE = `CREATE TRIGGER test_closed BEFORE INSERT ON users
  BEGIN SELECT RAISE(ABORT, 'the table is closed by a mistake in a migration'); END`;

const OPEN = "DROP TRIGGER test_closed";

/** Bodies that no build can read; each is accepted, because it is signed. */
const UNREADABLE = [
  `{"type":"user.updated","data":`,
  `{"type":"user.deleted","data":{"object":"user","deleted":true}}`,
];

export async function startConsole() {
  const [console, ingest] = await freePorts(2);
  const state = mkdtempSync(path.join(tmpdir(), "rolecall-console-"));
  const remove = () => rmSync(state, { recursive: true, force: true });
  const check = () => checkLogFile(state, [SECRET, TOKEN]);
  try {
    const workers = await start({
      root: ROOT,
      state,
      workers: [
        { env: "ingest", port: ingest, bindings: { CLERK_WEBHOOK_SECRET: SECRET } },
        { env: "consumer" },
        { env: "durable" },
        { env: "console", port: console, bindings: { OPERATOR_TOKEN: TOKEN } },
      ],
    });
    const url = (port) => `http://127.0.0.1:${port}`;
    return new ConsoleSystem({ url: url(console), ingest: url(ingest), workers, remove, check });
  } catch (cause) {
    remove();
    throw cause;
  }
}

class ConsoleSystem {
  #ingest;
  #workers;
  #remove;
  #check;

  constructor({ url, ingest, workers, remove, check }) {
    this.#check = check;
    this.url = url;
    this.#ingest = { fetch: (to, init) => fetch(`${ingest}${new URL(to).pathname}`, init) };
    this.#workers = workers;
    this.#remove = remove;
  }

  sql(text, ...args) {
    return this.#workers.query(text, args);
  }

  /** Runs the crons, as each minute does. */
  sweep() {
    return this.#workers.runCrons();
  }

  /** Delivers an event, or a body, and waits until it is settled. */
  async deliver(event) {
    const { id } = await deliver(this.#ingest, event);
    const sql = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    return waitFor(`delivery ${id} is settled`, async () => (await this.sql(sql, id))[0]);
  }

  /** Parks letters about new users, and unreadable ones. Returns the users' ids. */
  async badNight(count) {
    const users = Array.from({ length: count }, () => clerk.newId("user"));
    await this.sql(CLOSE);
    try {
      await Promise.all(users.map((id) => this.deliver(clerk.withRole(id, "editor"))));
    } finally {
      await this.sql(OPEN);
    }
    await Promise.all(UNREADABLE.map((body) => this.deliver(body)));
    return users;
  }

  async stop() {
    await this.#workers.dispose();
    try {
      this.#check();
    } finally {
      this.#remove();
    }
  }
}
