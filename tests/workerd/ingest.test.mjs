// Ingest from outside: valid deliveries are accepted. All other requests change nothing and get
// no details.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  SECRET, deliver, newId, nowSeconds, post, send, signed, tag,
} from "./support/delivery.mjs";
import { BODY, CANARY, REFUSED, TAKEN, altered, anyUser, changed } from "./support/ingest-cases.mjs";
import { start } from "./support/system.mjs";

describe("ingest", () => {
  let system;

  before(async () => {
    system = await start({ ingest: true, consumer: true, durable: true });
  });
  after(() => system?.stop());

  const users = async () => (await system.row("SELECT count(*) AS n FROM users")).n;

  it("rejects invalid deliveries: one answer for all, and nothing changes", async () => {
    const answers = [];
    for (const [name, make] of Object.entries(REFUSED)) {
      const id = newId();
      const answer = await send(system.ingest, make(id));
      assert.equal(answer.status, 401, `a delivery ${name}`);
      const headers = [...answer.headers].filter(([header]) => header !== "date");
      answers.push({ text: answer.text, headers });
    }
    // One by one, to name what differs: W-21, and nothing that stops Svix from trying again.
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.deepEqual(Object.keys(JSON.parse(answers[0].text)), ["error", "message"]);
    assert.equal(await users(), 0);
    // The queue keeps its order: what was accepted before this delivery would be settled with it.
    const marker = await deliver(system.ingest, anyUser());
    await system.waitForOutcome(marker);
    assert.deepEqual(await system.sql("SELECT svix_id FROM deliveries"), [{ svix_id: marker.id }]);
    assert.equal(await users(), 1);
  });

  it("accepts valid deliveries", async () => {
    const taken = await Promise.all(
      Object.entries(TAKEN).map(async ([name, make]) => {
        const id = newId();
        const answer = await send(system.ingest, make(id));
        assert.equal(answer.status, 202, `a delivery ${name}`);
        assert.deepEqual(JSON.parse(answer.text), { id });
        return { id };
      }),
    );
    for (const answer of taken) await system.waitForOutcome(answer);
  });

  it("F-14 parks signed deliveries with an unreadable payload", async () => {
    const event = anyUser();
    const text = JSON.stringify(event);
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    const nested = text.replace(/"banned":(true|false)/, `"banned":${deep}`);
    assert.notEqual(nested, text);
    const unreadable = {
      "bytes that are not UTF-8": [Buffer.from(`\u00ff${text}`, "latin1"), "not-json"],
      "bytes that are not UTF-8 in an id": [
        Buffer.from(text.replace(event.data.id, `${event.data.id}\u00ff`), "latin1"), "id",
      ],
      "truncated JSON": [text.slice(0, -2), "not-json"],
      "an empty body": ["", "not-json"],
      "two documents": [`${text}${text}`, "not-json"],
      "an array": ["[]", "shape"],
      "null": ["null", "shape"],
      "no type": [text.replace('"type"', '"kind"'), "shape"],
      "two types": [text.replace('"type"', '"type":"user.deleted","type"'), "shape"],
      "two ids": [
        text.replace(`"id":"${event.data.id}"`, `"id":"user_other","id":"${event.data.id}"`), "shape",
      ],
      "too many brackets": [nested, "shape"],
      "an id of another kind": [JSON.stringify(anyUser("mch_1")), "id"],
      "an invalid time": [JSON.stringify({ ...event, timestamp: -1 }), "time"],
      "a number of 200,000 digits": [
        text.replace('"timestamp":', `"timestamp":${"9".repeat(200_000)}`), "not-json",
      ],
    };
    for (const [name, [body, reason]] of Object.entries(unreadable)) {
      const answer = await deliver(system.ingest, body);
      assert.equal(answer.status, 202, name);
      unreadable[name] = { answer, reason };
    }
    for (const [name, { answer, reason }] of Object.entries(unreadable)) {
      const letter = await system.waitForDeadLetter(answer);
      assert.equal(letter.reason, reason, name);
      assert.equal((await system.waitForOutcome(answer)).outcome, "parked", name);
      assert.ok(!letter.envelope.includes(CANARY) && !letter.detail.includes(CANARY), name);
    }
  });

  it("answers each method and path", async () => {
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const headers = { "x-http-method-override": "POST" };
      const answer = await send(system.ingest, { method, headers });
      assert.equal(answer.status, 405, method);
      assert.equal(answer.headers.get("allow"), "POST", method);
    }
    for (const path of ["", "webhooks", "webhooks/clerk/", "webhooks/Clerk", "webhooks/%63lerk"]) {
      const answer = await send(system.ingest, altered(newId(), {}), `/${path}`);
      assert.equal(answer.status, 404, path);
    }
    const health = async (method) => send(system.ingest, { method }, "/healthz");
    assert.equal((await health("GET")).status, 200);
    assert.equal((await health("HEAD")).status, 200);
    assert.equal((await health("POST")).status, 405);
  });

  it("F-14 F-16 reads no more bytes than its limits allow", async () => {
    const cap = 262_144;
    const body = (size) => JSON.stringify({ type: "session.created" }).padEnd(size);
    const equal = await deliver(system.ingest, body(cap));
    assert.equal(equal.status, 202);
    const large = body(cap + 1);
    const mebibyte = body(1024 * 1024);
    const digits = BODY.replace('"timestamp"', `"x":${"9".repeat(1_000_000)},"timestamp"`);
    for (const [name, request] of Object.entries({
      "one byte more": post(large, signed(large)),
      "one byte more, unsigned": post(large, {}),
      "a mebibyte": post(mebibyte, signed(mebibyte)),
      "a number of a million digits": post(digits, signed(digits)),
      "one byte more in pieces": { ...post(pieces(large), signed(large)), duplex: "half" },
    })) {
      const answer = await send(system.ingest, request);
      assert.equal(answer.status, 413, name);
    }
    const inPieces = { ...post(pieces(BODY), signed(BODY)), duplex: "half" };
    assert.equal((await send(system.ingest, inPieces)).status, 202);
  });

  it("logs each decision and no secrets", async () => {
    const refused = newId();
    const at = nowSeconds();
    await send(system.ingest, changed(refused, `${BODY} `));
    const taken = await deliver(system.ingest, BODY);
    await system.waitForOutcome(taken);
    const logs = system.logs();
    assert.ok(logs.includes(taken.id), "an accepted delivery must be logged by its id");
    const rejection = logs.split("\n").find((line) => line.includes(refused));
    const { reason, detail } = JSON.parse(rejection);
    // The metric's label, and the sentence.
    assert.equal(reason, "bad-signature");
    assert.equal(detail, "invalid signature: no signature matches");
    const secrets = [SECRET, SECRET.slice(6), CANARY, "idn_canary", "okhttp", "203.0.113.51"];
    const tags = [tag(BODY, { id: taken.id, at }), tag(`${BODY} `, { id: refused, at })];
    for (const secret of [...secrets, ...tags]) assert.ok(!logs.includes(secret), secret);
  });
});

/** A body without Content-Length. */
function pieces(text) {
  const bytes = Buffer.from(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (bytes.length <= at) return controller.close();
      controller.enqueue(bytes.subarray(at, at + 65_536));
      at += 65_536;
    },
  });
}
