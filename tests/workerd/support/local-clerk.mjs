// The local Clerk, as `cargo xtask dev` starts it, and a browser's cookies.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

import { SECRET } from "./delivery.mjs";
import { ROOT } from "./system.mjs";

/** The output folder of cargo. */
export const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
/** The secret key of its Backend API. */
export const SECRET_KEY = "sk_test_of_the_tests";

const PROGRAM = path.join(TARGET, "debug", "local-clerk");

/**
 * Starts it on a free port, for an app at `app` and `others`; it delivers webhooks to `webhook`.
 * With `nonces` it answers handshakes with nonces if requested.
 *
 * @param {string} app
 * @param {{others?: string[], webhook?: string, nonces?: boolean}} more
 * @returns {Promise<{url: string, stop: () => void}>}
 */
export async function startLocalClerk(app, { others = [], webhook, nonces = false } = {}) {
  if (!existsSync(PROGRAM)) throw new Error(`no ${PROGRAM}: cargo build -p local-clerk`);
  const state = mkdtempSync(path.join(tmpdir(), "rolecall-clerk-"));
  const args = ["--port", "0", "--app-url", app, "--state-dir", state];
  for (const other of others) args.push("--other-app-url", other);
  if (webhook !== undefined) args.push("--webhook-url", webhook);
  if (nonces) args.push("--nonces");
  const secrets = { CLERK_WEBHOOK_SECRET: SECRET, CLERK_SECRET_KEY: SECRET_KEY };
  const env = { ...process.env, ...secrets };
  const program = spawn(PROGRAM, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => {
    program.kill();
    rmSync(state, { recursive: true, force: true });
  };
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const [, url] = /^local-clerk (http:\/\/127\.0\.0\.1:\d+)$/.exec(value ?? "") ?? [];
  if (url) return { url, stop };
  stop();
  throw new Error(`the local Clerk did not start: ${value}`);
}

/** The cookies of a browser for one host. All ports of the host share them. */
export class Jar {
  #cookies = new Map();

  /** Stores the `Set-Cookie` lines of a response. */
  take(headers) {
    for (const line of headers.getSetCookie()) {
      const [, name, value, rest] = /^([^=]+)=([^;]*)(.*)$/.exec(line);
      if (value === "" || /max-age=0/i.test(rest)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }

  set(name, value) {
    this.#cookies.set(name, value);
  }

  /** Puts a token into the session cookie of each of its pairs. */
  setSessions(token) {
    const names = [...this.#cookies.keys()].filter((name) => name.startsWith("__session"));
    for (const name of names) this.#cookies.set(name, token);
  }

  get names() {
    return this.#cookies.keys();
  }

  drop(name) {
    this.#cookies.delete(name);
  }

  get(name) {
    return this.#cookies.get(name);
  }

  /** The `Cookie` header. */
  get header() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}
