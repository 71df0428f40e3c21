// The whole system as `cargo xtask dev` starts it, on an empty state: the real Workers, the built
// example, and the local Clerk, each on a free port.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { start } from "../../../tools/xtask/js/system.mjs";
import { SECRET } from "../../workerd/support/delivery.mjs";
import { startLocalClerk } from "../../workerd/support/local-clerk.mjs";
import { checkLogFile } from "../../workerd/support/log-lines.mjs";
import { ROOT } from "../../workerd/support/system.mjs";
import { waitFor } from "../../workerd/support/wait.mjs";
import { freePorts } from "./ports.mjs";

/** @returns {Promise<System>} */
export async function startSystem() {
  const [ssr, example, ingest] = (await freePorts(3)).map((port) => ({ port, url: at(port) }));
  const webhook = `${ingest.url}/webhooks/clerk`;
  const state = mkdtempSync(path.join(tmpdir(), "rolecall-browser-"));
  const remove = () => rmSync(state, { recursive: true, force: true });
  const check = () => checkLogFile(state, [SECRET]);
  const clerk = await startLocalClerk(ssr.url, { others: [example.url], webhook });
  try {
    const { keys } = await (await fetch(`${clerk.url}/.well-known/jwks.json`)).json();
    const parties = `${ssr.url},${example.url}`;
    const workers = await start({
      root: ROOT,
      state,
      workers: [
        { env: "ingest", port: ingest.port, bindings: { CLERK_WEBHOOK_SECRET: SECRET } },
        { env: "consumer" },
        { env: "durable" },
        { env: "ssr", port: ssr.port, bindings: ssrBindings(clerk.url, parties) },
      ],
      example: {
        folder: "examples/react-router",
        port: example.port,
        key: keys[0],
        bindings: exampleBindings(clerk.url, parties),
      },
    });
    return new System({ ssr: ssr.url, example: example.url, clerk, workers, remove, check });
  } catch (cause) {
    clerk.stop();
    remove();
    throw cause;
  }
}

/** The same as in tools/xtask/src/dev/system.rs. */
function ssrBindings(clerk, parties) {
  return {
    CLERK_PUBLISHABLE_KEY: publishableKey("test", clerk),
    CLERK_ISSUER: clerk,
    CLERK_FRONTEND_API_URL: clerk,
    CLERK_JWKS_URL: `${clerk}/.well-known/jwks.json`,
    AUTHORIZED_PARTIES: parties,
    SIGN_IN_URL: "/sign-in",
    SIGN_OUT_URL: `${clerk}/sign-out`,
  };
}

/** The same as in tools/xtask/src/dev/example.rs. */
function exampleBindings(clerk, parties) {
  return {
    CLERK_PUBLISHABLE_KEY: publishableKey("live", clerk),
    CLERK_SECRET_KEY: "none: nothing asks Clerk's own API here",
    CLERK_PROXY_URL: clerk,
    AUTHORIZED_PARTIES: parties,
    SIGN_IN_URL: `${clerk}/sign-in`,
    SIGN_OUT_URL: `${clerk}/sign-out`,
  };
}

function publishableKey(stage, clerk) {
  return `pk_${stage}_${Buffer.from(`${new URL(clerk).host}$`).toString("base64")}`;
}

class System {
  #clerk;
  #workers;
  #remove;
  #check;

  constructor({ ssr, example, clerk, workers, remove, check }) {
    this.#check = check;
    Object.assign(this, { ssr, example, clerk: clerk.url });
    this.#clerk = clerk;
    this.#workers = workers;
    this.#remove = remove;
  }

  sql(text, ...args) {
    return this.#workers.query(text, args);
  }

  /** Has the local Clerk deliver an event, and waits until it is in the database. */
  async deliver({ type, data, timestamp }) {
    const { svix_id } = await this.#post("/local/deliveries", { type, data, timestamp });
    const sql = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    const [{ outcome }] = await waitFor(`${type} is settled`, async () => {
      const rows = await this.sql(sql, svix_id);
      return 0 < rows.length && rows;
    });
    if (outcome !== "applied") throw new Error(`${type} was ${outcome}`);
  }

  /** Returns the cookies of a browser with a signed-in or impersonated user. */
  async cookies(user_id, actor_id) {
    const { token } = await this.#post("/local/tokens", { user_id, actor_id });
    // A token that is older than the sign-in belongs to an earlier session.
    const { iat } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    const since = String(iat);
    const cookies = { __session: token, __client_uat: since };
    return Object.entries(cookies).map(([name, value]) => ({ name, value, url: this.ssr }));
  }

  async #post(where, body) {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${this.clerk}${where}`, init);
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async stop() {
    await this.#workers.dispose();
    this.#clerk.stop();
    try {
      this.#check();
    } finally {
      this.#remove();
    }
  }
}

const at = (port) => `http://127.0.0.1:${port}`;
