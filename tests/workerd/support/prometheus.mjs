// Prometheus itself: scrapes what a test runs, and answers queries. `promtool` judges files.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { waitFor } from "./wait.mjs";

const PROMETHEUS = process.env.PROMETHEUS_BIN ?? "prometheus";
const PROMTOOL = process.env.PROMTOOL_BIN ?? "promtool";

const LACKING =
  "install Debian's package prometheus (2.42 or newer), or set PROMETHEUS_BIN and PROMTOOL_BIN";

/** The name of the job in `job`. */
export const JOB = "rolecall";

/**
 * Starts Prometheus on a port of its own, with its data in a new folder.
 *
 * @param {object} how
 * @param {(string | {url: string | URL, token?: string, instance?: string})[]} how.targets
 *   URLs of pages of metrics.
 * @param {string} [how.token] the bearer token of all targets.
 * @param {string} [how.every] the scrape interval.
 * @param {string[]} [how.rules] paths of files with rules.
 * @param {string} [how.file] a whole configuration in place of `targets` and `rules`.
 */
export async function startPrometheus({ targets = [], token, every = "1s", rules = [], file }) {
  const folder = mkdtempSync(path.join(tmpdir(), "rolecall-prometheus-"));
  const config = file ?? path.join(folder, "prometheus.yml");
  if (!file) writeFileSync(config, configOf(targets.map(targetOf(token)), every, rules));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${config}`, `--storage.tsdb.path=${path.join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`, "--log.level=warn",
  ];
  const child = spawn(PROMETHEUS, args, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = [];
  child.stderr.on("data", (bytes) => lines.push(String(bytes)));
  const ended = new Promise((done) => child.once("error", done).once("exit", () => done()));
  const failed = ended.then((cause) => {
    const why = cause?.code === "ENOENT" ? LACKING : lines.join("");
    throw new Error(`${PROMETHEUS} does not run: ${why}`, { cause });
  });
  failed.catch(() => {});
  const prometheus = new Prometheus({ url, child, ended, folder, lines });
  try {
    const isReady = async () => (await fetch(`${url}/-/ready`)).ok;
    await Promise.race([waitFor("Prometheus is ready", isReady), failed]);
    return prometheus;
  } catch (cause) {
    await prometheus.stop();
    throw cause;
  }
}

const targetOf = (token) => (target) =>
  typeof target === "string" || target instanceof URL ? { url: target, token } : { token, ...target };

/** JSON is YAML. */
function configOf(targets, every, rules) {
  const scrapes = targets.map(({ url, token, instance }, place) => {
    const { host, pathname, protocol } = new URL(url);
    return {
      job_name: place === 0 ? JOB : `${JOB}-${place}`,
      scheme: protocol.replace(":", ""),
      metrics_path: pathname === "/" ? "/metrics" : pathname,
      ...(token && { authorization: { credentials: token } }),
      static_configs: [{ targets: [host], labels: { ...(instance && { instance }) } }],
    };
  });
  return JSON.stringify({
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: rules,
    scrape_configs: scrapes,
  });
}

/** Returns a port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

class Prometheus {
  #child;
  #ended;
  #folder;
  #lines;

  constructor({ url, child, ended, folder, lines }) {
    this.url = url;
    this.#child = child;
    this.#ended = ended;
    this.#folder = folder;
    this.#lines = lines;
  }

  /** Returns the `data` of a call of its API. */
  async ask(where, query = {}) {
    const response = await fetch(`${this.url}/api/v1/${where}?${new URLSearchParams(query)}`);
    const { status, data, error } = await response.json();
    assert.equal(status, "success", `${where} ${JSON.stringify(query)}: ${error}`);
    return data;
  }

  /** Returns the result of a query: `[{metric, value: [time, text]}]` for a vector. */
  async query(query, time) {
    const { result } = await this.ask("query", { query, ...(time && { time }) });
    return result;
  }

  /** Returns the only number of a query, or `undefined` where it has no series. */
  async number(query, time) {
    const result = await this.query(query, time);
    assert.ok(result.length < 2, `${query} has ${result.length} series`);
    return result.length === 0 ? undefined : Number(result[0].value[1]);
  }

  /** Returns the samples of each series of a query between two times, in seconds. */
  async range(query, start, end, step = 1) {
    return (await this.ask("query_range", { query, start, end, step })).result;
  }

  /** Returns what it knows of each target: `{health, lastError, lastScrape, …}`. */
  async targets() {
    return (await this.ask("targets", { state: "active" })).activeTargets;
  }

  /** Waits until every target was scraped once more, by a scrape that began after now. */
  async scraped() {
    const from = Date.now();
    await waitFor("every target was scraped without an error", async () => {
      const targets = await this.targets();
      const since = ({ lastScrape, lastError }) => from < Date.parse(lastScrape) && lastError === "";
      if (targets.length > 0 && targets.every(since)) return true;
      throw new Error(JSON.stringify(targets.map(({ lastError }) => lastError)));
    });
  }

  /** Returns its log: warnings and errors. */
  logs() {
    return this.#lines.join("");
  }

  /** Ends it, and removes its data. */
  async stop() {
    if (this.#child.pid && this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
      await this.#ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Runs promtool, with `input` as its standard input. Returns its exit code and its output; it says
 * findings on either stream.
 */
export function promtool(args, input = "") {
  return new Promise((done, fail) => {
    const child = execFile(PROMTOOL, args, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") fail(new Error(`${PROMTOOL} does not run: ${LACKING}`));
      else done({ code: error?.code ?? 0, output: `${stdout}${stderr}` });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
