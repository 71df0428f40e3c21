// Contestants take turns, so that a slow phase of the machine affects all of them.

import { median } from "./numbers.mjs";

/** The warm-up of a contestant and the length of its turns, in seconds. */
const WARM_UP_S = 2;
const TURN_S = 3;

/** Turns of each contestant; the median counts. */
const TURNS = 5;

/**
 * Runs the turns of each contestant.
 *
 * @param {Record<string, (seconds: number) => Promise<number>>} contestants
 * @param {(text: string) => void} say
 * @param {number} count the turns of each contestant
 * @returns {Promise<Record<string, {median: number, turns: number[]}>>}
 */
export async function rounds(contestants, say, count = TURNS) {
  const names = Object.keys(contestants);
  for (const name of names) {
    say(`${name} warms up`);
    await contestants[name](WARM_UP_S);
  }
  const turns = Object.fromEntries(names.map((name) => [name, []]));
  for (let turn = 1; turn <= count; turn += 1) {
    for (const name of names) {
      say(`turn ${turn} of ${count}: ${name}`);
      turns[name].push(await contestants[name](TURN_S));
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, { median: median(turns[name]), turns: turns[name] }]),
  );
}
