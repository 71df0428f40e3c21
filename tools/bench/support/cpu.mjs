// The CPU time of workerd, which runs the Workers and everything that stands for Cloudflare here.

import { existsSync, readFileSync, readdirSync } from "node:fs";

/** The kernel counts in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/** Fields of `/proc/PID/stat` after the name in parentheses: user and system time. */
const [USER, SYSTEM] = [11, 12];

/**
 * Milliseconds of CPU of this process's children, so far.
 *
 * @returns {number | undefined} `undefined` where the system has no `/proc`
 */
export function workerdCpuMs() {
  const tasks = "/proc/self/task";
  if (!existsSync(tasks)) return undefined;
  const lists = readdirSync(tasks).map((task) => `${tasks}/${task}/children`);
  const children = lists.flatMap((list) => readFileSync(list, "utf8").split(" ").filter(Boolean));
  return children.reduce((sum, child) => sum + cpuOf(child) * TICK_MS, 0);
}

function cpuOf(child) {
  const stat = readFileSync(`/proc/${child}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[USER]) + Number(fields[SYSTEM]);
}
