// Compares `ssr` with Clerk's own SDK: both get thousands of requests, and every difference must be
// on a list with its reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { startDirect, workerOf } from "./support/direct.mjs";
import { publishableKey, sdkFor, suffixOf } from "./support/sdk.mjs";
import { A, B, cells, requestOf, shown, signedInAfter } from "./support/sdk-cells.mjs";
import { DIFFERENCES, page } from "./support/sdk-differences.mjs";
import { PEM_VARS, bearer } from "./support/sessions.mjs";
import { wire } from "./support/wire.mjs";

const STAGES = ["production", "development"];

/** Concurrent requests. */
const AT_ONCE = 12;

/** Cases between two progress messages. */
const STEP = 1_000;

/** The least number of cases. */
const CELLS_MIN = 5_000;

describe("compared with Clerk's SDK", () => {
  const suffixes = Object.fromEntries(STAGES.map((it) => [it, suffixOf(publishableKey(it))]));
  const sdks = Object.fromEntries(STAGES.map((it) => [it, sdkFor(it)]));
  let system;

  before(async () => {
    const ssr = (stage) => {
      const bindings = { ...PEM_VARS, CLERK_PUBLISHABLE_KEY: publishableKey(stage) };
      return workerOf("ssr", { name: stage, bindings });
    };
    system = await startDirect([workerOf("durable"), ...STAGES.map(ssr)]);
  });
  after(() => system?.stop());

  /** Returns what `ssr` does for a request, in the words of the comparison. */
  async function ours(stage, path, headers) {
    const { status, headers: got, text } = await wire(await system.url(stage), path, { headers });
    const location = got.get("location") ?? "";
    if (status === 200) {
      const users = [A, B].filter((user) => text.includes(`<code>${user}</code>`));
      assert.equal(users.length, 1, text);
      return { verdict: "in", user: users[0] };
    }
    if (status === 307 && location.startsWith("https://")) return { verdict: "asks", user: null };
    if (status === 307) return { verdict: "takes", user: null };
    assert.ok([302, 401].includes(status), `${status} ${location}`);
    return { verdict: "out", user: null };
  }

  /** Runs one case on both sides, and checks each user that `ssr` alone accepts. */
  async function compareCase(cell) {
    const { path, headers, tokens } = requestOf(cell, suffixes[cell.stage]);
    const sdk = sdks[cell.stage];
    const [we, they] = await Promise.all([ours(cell.stage, path, headers), sdk(path, headers)]);
    // A handshake result contains the user; a redirect does not show it.
    const isSame = we.verdict === they.verdict && (we.verdict !== "in" || we.user === they.user);
    const isFalse = we.verdict === "in" && !isSame && !(await isGoodAlone(sdk, tokens, we.user));
    const isKeptOut = we.verdict === "out" && !isSame && !(await getsIn(cell));
    return { cell, we, they, isSame, isFalse, isKeptOut };
  }

  /** Returns whether the user is let in after signing in a minute later, with all old cookies. */
  async function getsIn(cell) {
    const { path, headers } = requestOf(signedInAfter(cell), suffixes[cell.stage]);
    return (await ours(cell.stage, path, headers)).verdict === "in";
  }

  /** Returns whether the SDK accepts one of these tokens for this user, with no other cookies. */
  async function isGoodAlone(sdk, tokens, user) {
    const alone = await Promise.all(tokens.map((token) => sdk("/", bearer(token))));
    return alone.some((it) => it.verdict === "in" && it.user === user);
  }

  it("J-23 S-17 differs only as listed, and lets nobody in with a bad token", async (t) => {
    const all = cells();
    assert.ok(CELLS_MIN <= all.length, `${all.length} cells`);
    const results = [];
    let next = 0;
    const work = async () => {
      while (next < all.length) {
        const cell = all[next];
        next += 1;
        if (next % STEP === 0) t.diagnostic(`${next} of ${all.length} cells`);
        results.push(await compareCase(cell));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    t.diagnostic(`${results.length} cells, ${results.filter((it) => !it.isSame).length} differ`);

    const accepted = results.filter((it) => it.isFalse);
    assert.deepEqual(accepted.map(describeResult), [], "let in by a token that Clerk's SDK rejects");
    const keptOut = results.filter((it) => it.isKeptOut);
    assert.deepEqual(keptOut.map(describeResult), [], "locked out by old cookies");
    const uses = new Map(DIFFERENCES.map(({ id }) => [id, 0]));
    const unlisted = [];
    for (const result of results.filter((it) => !it.isSame)) {
      const entry = DIFFERENCES.find((it) => matchesCase(it, result));
      if (entry === undefined) unlisted.push(describeResult(result));
      else uses.set(entry.id, uses.get(entry.id) + 1);
    }
    const shownFirst = unlisted.slice(0, Number(process.env.SDK_SHOWN ?? 40));
    assert.deepEqual(shownFirst, [], `${unlisted.length} differences are not listed`);
    for (const [id, count] of uses) t.diagnostic(`${id}: ${count}`);
    const unused = [...uses].filter(([, count]) => count === 0).map(([id]) => id);
    assert.deepEqual(unused, [], "entries of the list without a case");
  });

  it("the list of differences is the documented one", () => {
    const file = new URL("../../docs/clerk-differences.md", import.meta.url);
    assert.equal(readFileSync(file, "utf8"), page());
  });
});

const matchesCase = ({ ours, sdk, is }, { cell, we, they }) =>
  [ours].flat().includes(we.verdict) && [sdk].flat().includes(they.verdict) && is(cell);

const describeResult = ({ cell, we, they }) =>
  `${shown(cell)}: ours ${we.verdict} ${we.user}, SDK ${they.verdict} ${they.user} ${they.reason}`;
