// Workers with fault points: builds of `cargo xtask test` in target/faults. At each point they ask
// the test whether to continue, to wait, or to crash.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";

import { Response } from "miniflare";

import { workerOf } from "./direct.mjs";
import { ROOT } from "./system.mjs";
import { waitFor } from "./wait.mjs";

/** Traps the module: everything in its isolate ends, as in a crash of the machine. */
const CRASH = "die";

/** Lets the next step of the Worker fail. */
const FAIL = "fail";

/** Controls the fault points of all Workers of one system. */
export class FaultPoints {
  #gate = () => undefined;

  /** Returns a Worker of wrangler.toml with fault points, as `workerOf` does. */
  worker(env, change = {}) {
    const folder = path.join(ROOT, "target", "faults", env);
    const scriptPath = path.join(folder, "index.js");
    if (!existsSync(scriptPath)) throw new Error("run `cargo xtask test F-1`: it builds this");
    const FAULTS = (request) => this.#ask(new URL(request.url));
    const built = { scriptPath, modulesRoot: folder, serviceBindings: { FAULTS } };
    return workerOf(env, { ...built, ...change });
  }

  async #ask({ pathname, search }) {
    const [point, subject] = [pathname.slice(1), decodeURIComponent(search.slice(1))];
    return new Response((await this.#gate(point, subject)) ?? "");
  }

  /**
   * Crashes once, at the first point that `isIt` accepts.
   *
   * @param {(point: string, subject: string) => boolean} isIt
   */
  crashAt(isIt) {
    let isDone = false;
    this.#gate = (point, subject) => {
      if (isDone || !isIt(point, subject)) return undefined;
      isDone = true;
      return CRASH;
    };
    const crashed = () => waitFor("a Worker crashes", () => isDone);
    return { isDone: () => isDone, crashed };
  }

  /** Crashes at the n-th point from now, counted from 0. */
  crashAtNth(n, isIt = () => true) {
    let count = 0;
    return this.crashAt((point, subject) => isIt(point, subject) && count++ === n);
  }

  /** Returns the points that `work` reaches without a crash, in order. */
  async recordPoints(work, isIt = () => true) {
    const points = [];
    this.#gate = (point, subject) => void (isIt(point, subject) && points.push(point));
    await work();
    this.release();
    return points;
  }

  /** Stops at every point that `isIt` accepts, until `open`. */
  pauseAll(isIt) {
    let open;
    const opened = new Promise((done) => (open = done));
    let count = 0;
    this.#gate = async (point, subject) => {
      if (!isIt(point, subject)) return;
      count += 1;
      await opened;
    };
    return { open, reached: (n) => waitFor(`${n} points are reached`, () => n <= count) };
  }

  /** Lets every step fail that `isIt` accepts, until `release`. */
  fail(isIt) {
    this.#gate = (point, subject) => (isIt(point, subject) ? FAIL : undefined);
  }

  release() {
    this.#gate = () => undefined;
  }
}

/** Checks that each point was reached: a removed fault point must not go unnoticed. */
export function checkAllReached(course, points) {
  assert.deepEqual([...new Set(course)].sort(), [...points].sort());
}
