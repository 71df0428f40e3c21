// Repeats one operation.

import { median } from "./numbers.mjs";

/** This share of the runs is a warm-up and is not counted. */
const WARM_UP = 5;

/** Runs `work` for each of `all`, and returns the median increase of `value`. */
export async function each(all, value, work) {
  const added = [];
  for (const [i, one] of all.entries()) {
    const before = value();
    await work(one);
    if (all.length / WARM_UP <= i) added.push(value() - before);
  }
  return median(added);
}
