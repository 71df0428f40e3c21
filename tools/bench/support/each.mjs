// One operation again and again.

import { median } from "./numbers.mjs";

/** One in so many is not counted: at the beginning everything is cold. */
const WARM_UP = 5;

/** Does `work` for each of `all`; the median of what it adds to `value`. */
export async function each(all, value, work) {
  const added = [];
  for (const [i, one] of all.entries()) {
    const before = value();
    await work(one);
    if (all.length / WARM_UP <= i) added.push(value() - before);
  }
  return median(added);
}
