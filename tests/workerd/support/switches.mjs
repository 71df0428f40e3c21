// Workers with fault switches: builds that `cargo xtask test` makes for this alone, in
// target/faults. At each point they ask here whether to go on, to wait, or to end.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";

import { Response } from "miniflare";

import { workerOf } from "./direct.mjs";
import { ROOT } from "./system.mjs";
import { waitFor } from "./wait.mjs";

/** Traps the module: everything that its isolate is doing ends, as when the machine goes. */
const DIE = "die";

/** Has the step fail that the Worker is about to take. */
const FAIL = "fail";

/** The hand on the switches of all Workers of one system. */
export class Switches {
  #gate = () => undefined;

  /** A Worker of wrangler.toml with fault switches, as `workerOf`. */
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
   * Has whoever reaches the first point that `isIt` takes die there, once.
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

  /** Has whoever reaches the n-th point from now, counted from 0, die there. */
  killAt(n, isIt = () => true) {
    let count = 0;
    return this.kill((point, whom) => isIt(point, whom) && count++ === n);
  }

  /** The points that `work` reaches, in order, if nobody stops it. */
  async course(work, isIt = () => true) {
    const points = [];
    this.#gate = (point, whom) => void (isIt(point, whom) && points.push(point));
    await work();
    this.release();
    return points;
  }

  /** Holds whoever reaches a point that `isIt` takes, until they are opened. */
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

  /** Has every step fail that `isIt` takes and that can, until they are released. */
  fail(isIt) {
    this.#gate = (point, whom) => (isIt(point, whom) ? FAIL : undefined);
  }

  release() {
    this.#gate = () => undefined;
  }
}

/** Each point stands in a course at least once: a switch that moved away must not go unseen. */
export function covers(course, points) {
  assert.deepEqual([...new Set(course)].sort(), [...points].sort());
}
