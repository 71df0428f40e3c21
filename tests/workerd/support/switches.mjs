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
const DIE = "die";

/** Lets the next step of the Worker fail. */
const FAIL = "fail";

/** Controls the fault points of all Workers of one system. */
export class Switches {
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
    const [point, whom] = [pathname.slice(1), decodeURIComponent(search.slice(1))];
    return new Response((await this.#gate(point, whom)) ?? "");
  }

  /**
   * Crashes once, at the first point that `isIt` accepts.
   *
   * @param {(point: string, whom: string) => boolean} isIt
   */
  kill(isIt) {
    let isDone = false;
    this.#gate = (point, whom) => {
      if (isDone || !isIt(point, whom)) return undefined;
      isDone = true;
      return DIE;
    };
    const died = () => waitFor("somebody dies", () => isDone);
    return { isDone: () => isDone, died };
  }

  /** Crashes at the n-th point from now, counted from 0. */
  killAt(n, isIt = () => true) {
    let count = 0;
    return this.kill((point, whom) => isIt(point, whom) && count++ === n);
  }

  /** Returns the points that `work` reaches without a crash, in order. */
  async course(work, isIt = () => true) {
    const points = [];
    this.#gate = (point, whom) => void (isIt(point, whom) && points.push(point));
    await work();
    this.release();
    return points;
  }

  /** Stops at every point that `isIt` accepts, until `open`. */
  holdAll(isIt) {
    let open;
    const opened = new Promise((done) => (open = done));
    let count = 0;
    this.#gate = async (point, whom) => {
      if (!isIt(point, whom)) return;
      count += 1;
      await opened;
    };
    return { open, reached: (n) => waitFor(`${n} points are reached`, () => n <= count) };
  }

  /** Lets every step fail that `isIt` accepts, until `release`. */
  fail(isIt) {
    this.#gate = (point, whom) => (isIt(point, whom) ? FAIL : undefined);
  }

  release() {
    this.#gate = () => undefined;
  }
}

/** Checks that each point was reached: a removed fault point must not go unnoticed. */
export function covers(course, points) {
  assert.deepEqual([...new Set(course)].sort(), [...points].sort());
}
