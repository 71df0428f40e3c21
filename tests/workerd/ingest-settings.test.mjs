// The settings of ingest, a queue that rejects messages, and HTTP requests that `fetch` cannot
// send. Each case is the built Worker with other variables, on Miniflare.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import {
  OTHER_SECRET, SECRET, WEBHOOK, deliver, newId, nowSeconds, send, signed,
} from "./support/delivery.mjs";
import { sinkOf, standIn, startDirect, workerOf } from "./support/direct.mjs";
import { waitFor } from "./support/wait.mjs";

const KEY = SECRET.slice("whsec_".length);
const INSTANCE = clerk.user("user_x").instance_id;

/** Unusable secrets: ingest must reject even deliveries that are signed with them. */
const NO_SECRETS = {
  absent: undefined,
  empty: "",
  blank: "  ",
  separators: " , ,",
  "prefix-alone": "whsec_",
  "not-base64": "whsec_!!!!",
  short: `whsec_${Buffer.from("fifteen bytes..").toString("base64")}`,
  "a-bad-one-of-two": `${SECRET} whsec_!!!!`,
  "an-empty-one-of-two": `${SECRET},whsec_`,
  asymmetric: "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};

/** W-9: secrets of 23 and 25 bytes, whose base64 would need padding. */
const UNPADDED = ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr"];

/** Usable settings, and the secrets with which deliveries may then be signed. */
const SECRETS = {
  both: [`${SECRET} ${OTHER_SECRET}`, [SECRET, OTHER_SECRET]],
  commas: [`${OTHER_SECRET}, ,\n${SECRET},`, [SECRET, OTHER_SECRET]],
  "without-prefix": [KEY, [SECRET]],
  unpadded: [UNPADDED.map((text) => `whsec_${text}`).join(" "), UNPADDED],
};

/** The rate limiter with another limit, in requests per minute. */
const limited = (limit) => ({
  INGEST_LIMIT: { namespace_id: "1", simple: { limit, period: 60 } },
});

const ingestWith = (name, bindings) => workerOf("ingest", { name, bindings });

describe("ingest", () => {
  /** The envelopes that came out of the queue. */
  const received = [];
  let system;

  before(async () => {
    const of = (table, value) =>
      Object.entries(table).map(([name, row]) =>
        ingestWith(name, { CLERK_WEBHOOK_SECRET: value(row) }),
      );
    system = await startDirect([
      ingestWith("plain"),
      ...of(NO_SECRETS, (row) => row),
      ...of(SECRETS, ([row]) => row),
      ingestWith("rotated", { CLERK_WEBHOOK_SECRET: OTHER_SECRET }),
      ingestWith("ours", { CLERK_INSTANCE_ID: INSTANCE }),
      ingestWith("small", { BODY_BYTES_MAX: "100" }),
      ingestWith("sizeless", { BODY_BYTES_MAX: "many" }),
      ingestWith("boundless", { BODY_BYTES_MAX: "33554433" }),
      workerOf("ingest", { name: "patient", ratelimits: limited(100_000) }),
      workerOf("ingest", { name: "unbound", queueProducers: undefined }),
      workerOf("ingest", {
        name: "refused",
        queueProducers: undefined,
        wrappedBindings: { EVENTS: "rejecting-queue" },
      }),
      standIn("rejecting-queue"),
      workerOf("ingest", { name: "besieged", ratelimits: limited(5) }),
      workerOf("ingest", {
        name: "narrow",
        bindings: { BODY_BYTES_MAX: "100" },
        ratelimits: limited(5),
      }),
      workerOf("ingest", { name: "unlimited", ratelimits: undefined }),
      sinkOf(received),
    ]);
  });
  after(() => system?.stop());

  const ids = () => received.map((text) => JSON.parse(text).svix_id);
  const arrives = ({ id }) => waitFor(`${id} comes out of the queue`, () => ids().includes(id));

  /** Waits until the queue has delivered everything: it keeps its order. */
  async function settles() {
    await arrives(await deliver(await system.worker("plain"), clerk.user(clerk.newId("user"))));
  }

  const of = async (name, how) =>
    deliver(await system.worker(name), clerk.user(clerk.newId("user")), how);

  const logged = (text) => waitFor(`the log says ${text}`, () => system.logs().includes(text));

  it("F-13 without a usable secret answers 500 and accepts nothing", async () => {
    const answers = [];
    for (const name of Object.keys(NO_SECRETS)) {
      // The empty key is what an empty secret decodes to: anybody could sign with it.
      for (const secret of [SECRET, "whsec_"]) answers.push([name, await of(name, { secret })]);
    }
    await settles();
    for (const [name, answer] of answers) {
      assert.equal(answer.status, 500, name);
      assert.ok(!answer.text.includes(KEY) && !ids().includes(answer.id), name);
      const health = await send(await system.worker(name), {}, "/healthz");
      assert.equal(health.status, 503, name);
      assert.match(health.text, /"CLERK_WEBHOOK_SECRET [^"]+: /, name);
      assert.ok(!health.text.includes(KEY), name);
    }
    await logged("CLERK_WEBHOOK_SECRET is not set");
    assert.ok(!system.logs().includes(KEY));
  });

  it("F-13 accepts deliveries signed with any of its secrets, and no others", async () => {
    for (const [name, [, good]] of Object.entries(SECRETS)) {
      for (const secret of good) {
        const answer = await of(name, { secret });
        assert.equal(answer.status, 202, name);
        await arrives(answer);
      }
    }
    assert.equal((await of("without-prefix", { secret: OTHER_SECRET })).status, 401);
    assert.equal((await of("plain", { secret: OTHER_SECRET })).status, 401);
  });

  it("F-13 accepts deliveries of a secret rotation while both secrets are set", async () => {
    // One delivery, as Svix repeats it: signed with the old secret first, then with the new one.
    const event = clerk.user(clerk.newId("user"));
    const id = newId();
    const says = async (name, secret) =>
      (await deliver(await system.worker(name), event, { id, secret })).status;
    assert.equal(await says("plain", SECRET), 202);
    assert.equal(await says("rotated", SECRET), 401);
    assert.equal(await says("both", SECRET), 202);
    assert.equal(await says("both", OTHER_SECRET), 202);
    assert.equal(await says("rotated", OTHER_SECRET), 202);
    assert.equal(await says("plain", OTHER_SECRET), 401);
    assert.equal(await says("absent", OTHER_SECRET), 500);
    await settles();
    // Deliveries that were accepted before stay in the queue, and nothing else was added.
    assert.equal(ids().filter((it) => it === id).length, 4);
  });

  it("accepts events of its own Clerk instance, and those without an instance", async () => {
    const ingest = await system.worker("ours");
    const event = clerk.user(clerk.newId("user"));
    const same = await deliver(ingest, event);
    const unnamed = await deliver(ingest, { ...event, instance_id: undefined });
    const foreign = await deliver(ingest, { ...event, instance_id: "ins_2Foreign" });
    // Also for a type that is not synced: the endpoint is the wrong one.
    const ignored = { ...event, instance_id: "ins_2Foreign", type: "session.created" };
    assert.deepEqual([same.status, unnamed.status, foreign.status], [202, 202, 403]);
    assert.equal((await deliver(ingest, ignored)).status, 403);
    await settles();
    assert.ok(ids().includes(same.id) && ids().includes(unnamed.id) && !ids().includes(foreign.id));
    await logged("another Clerk instance");
  });

  it("enforces BODY_BYTES_MAX, and reports an invalid value", async () => {
    const small = await system.worker("small");
    const body = (size) => JSON.stringify({ type: "x.y" }).padEnd(size);
    assert.equal((await deliver(small, body(100))).status, 202);
    assert.equal((await deliver(small, body(101))).status, 413);
    assert.equal((await of("sizeless")).status, 500);
    // A body of the size of the whole budget would never fit.
    assert.equal((await of("boundless")).status, 500);
    await logged("BODY_BYTES_MAX is not a whole number of bytes from 1 to 16777216");
  });

  it("F-6 answers 503 if its queue rejects a message, so that Svix retries", async () => {
    for (const name of ["refused", "unbound"]) {
      const answer = await of(name);
      assert.equal(answer.status, 503, name);
      assert.match(answer.headers.get("retry-after"), /^[1-9]\d*$/, name);
      assert.ok(!answer.text.includes("10250"), name);
    }
    await logged("10250");
    const line = system.logs().split("\n").find((text) => text.includes("10250"));
    const { reason, detail, cause } = JSON.parse(line);
    assert.deepEqual([reason, detail], ["queue-unavailable", "queue send failed"]);
    assert.match(cause, /10250/);
    // An ignored event needs no queue.
    const ignored = { type: "session.created", data: {} };
    assert.equal((await deliver(await system.worker("refused"), ignored)).status, 202);
  });

  describe("W-22 with a flood of requests", () => {
    const from = (address) => ({ "cf-connecting-ip": address });
    const unsigned = { "svix-signature": "v1,AAAA" };

    /** Sends requests with a bad signature until the status is 429, and returns all answers. */
    async function flood(name, address, headers = unsigned) {
      const answers = [];
      // The limiter's window may end in between, and a new one begins.
      while (answers.at(-1)?.status !== 429 && answers.length < 20) {
        answers.push(await of(name, { headers: { ...headers, ...from(address) } }));
      }
      return answers;
    }

    it("rejects bad signatures with 429 and accepts signed deliveries", async () => {
      const answers = await flood("besieged", "192.0.2.1");
      const last = answers.pop();
      assert.equal(last.status, 429);
      assert.equal(last.headers.get("retry-after"), "60");
      assert.equal(JSON.parse(last.text).error, "too_many_requests");
      assert.ok(5 <= answers.length, `${answers.length} were let through to a 401`);
      for (const { status } of answers) assert.equal(status, 401);
      // The same address: Svix sends for others too.
      for (let time = 0; time < 10; time += 1) {
        const good = await of("besieged", { headers: from("192.0.2.1") });
        assert.equal(good.status, 202);
        await arrives(good);
      }
      // Another address, and one in the same IPv6 network.
      const alone = await of("besieged", { headers: { ...unsigned, ...from("192.0.2.2") } });
      assert.equal(alone.status, 401);
      await flood("besieged", "2001:db8::1");
      const beside = await of("besieged", { headers: { ...unsigned, ...from("2001:db8::2") } });
      assert.equal(beside.status, 429);
    });

    it("counts requests that are rejected for other reasons too", async () => {
      const cases = [
        ["narrow", "192.0.2.3", {}, 413],
        ["besieged", "192.0.2.4", { "content-encoding": "gzip" }, 401],
      ];
      for (const [name, address, headers, status] of cases) {
        const answers = await flood(name, address, headers);
        assert.deepEqual([answers[0].status, answers.at(-1).status], [status, 429], name);
      }
    });

    it("writes few log lines", async () => {
      await flood("besieged", "192.0.2.5");
      await logged("no signature matches");
      const lines = () => system.logs().split("no signature matches").length;
      const before = lines();
      for (let time = 0; time < 20; time += 1) {
        await of("besieged", { headers: { ...unsigned, ...from("192.0.2.5") } });
      }
      await settles();
      assert.ok(lines() - before <= 5, "twenty requests wrote a line each");
    });

    it("without its limiter still rejects bad signatures", async () => {
      assert.equal((await of("unlimited", { headers: unsigned })).status, 401);
      assert.equal((await of("unlimited")).status, 202);
      await logged("binding INGEST_LIMIT is missing");
    });
  });

  it("puts only synced fields into the queue", async () => {
    const id = clerk.newId("user");
    const event = clerk.user(id, {
      private_metadata: { note: "private-canary" },
      unsafe_metadata: { note: "unsafe-canary" },
      first_name: "first-name-canary",
      phone_numbers: [{ id: "idn_p", phone_number: "+15550100" }],
      public_metadata: { roles: ["editor"], note: "public-canary" },
    });
    const answer = await of("plain");
    const own = await deliver(await system.worker("plain"), event);
    await arrives(answer);
    await arrives(own);
    const text = received.find((it) => JSON.parse(it).svix_id === own.id);
    assert.ok(text.includes(id) && text.includes("editor") && text.includes("person@example.com"));
    for (const canary of ["canary", "+15550100", "203.0.113.51", "okhttp"]) {
      assert.ok(!text.includes(canary), canary);
    }
  });

  describe("with raw HTTP", () => {
    const BODY = JSON.stringify({ type: "session.created" });

    /** Sends raw bytes, and returns the status of the first answer; 0 if there is none. */
    async function raw(lines, body = BODY, { end = false, ingest = "plain" } = {}) {
      const { port } = await system.url(ingest);
      const head = [`POST ${WEBHOOK} HTTP/1.1`, "Host: ingest.example", ...lines, "", ""];
      return new Promise((done) => {
        const socket = connect(Number(port), "127.0.0.1");
        let text = "";
        const finish = () => {
          socket.destroy();
          done(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0));
        };
        socket.on("data", (data) => {
          text += data;
          if (text.includes("\r\n\r\n")) finish();
        });
        socket.on("error", finish).on("close", finish);
        socket.write(head.join("\r\n"));
        socket.write(body);
        if (end) socket.end();
      });
    }

    const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const length = (size) => `Content-Length: ${size}`;

    it("rejects a duplicate header", async () => {
      const good = lines(signed(BODY, { id: newId() }));
      assert.equal(await raw([...good, length(BODY.length)]), 202);
      for (const line of good) {
        assert.equal(await raw([...good, line, length(BODY.length)]), 401, line);
      }
      for (const line of lines(signed(BODY, { family: "webhook" }))) {
        assert.equal(await raw([...good, line, length(BODY.length)]), 401, line);
      }
      assert.equal(await raw([...good, "webhook-id:", length(BODY.length)]), 401);
    });

    it("rejects a wrong Content-Length", async () => {
      const good = lines(signed(BODY));
      assert.equal(await raw([...good, length(BODY.length - 1)]), 401, "too short");
      const long = await raw([...good, length(BODY.length + 1)], BODY, { end: true });
      assert.ok(long === 0 || (400 <= long && long < 500), `too long: ${long}`);
      assert.equal(await raw([...good, length(10_000_000)], ""), 413, "announced");
    });

    describe("F-26 with an upload that never ends", () => {
      /** The size limit of a body: 128 of them are the budget of ingest. */
      const ONE = 262_144;

      it("answers before the body if the headers are invalid", async () => {
        const good = signed(BODY);
        const length = "Content-Length: 262144";
        const stale = signed(BODY, { at: nowSeconds() - 301 });
        const cases = {
          unsigned: [],
          "no timestamp": lines({ ...good, "svix-timestamp": "" }),
          "an invalid id": lines({ ...good, "svix-id": "msg.1" }),
          "no tag": lines({ ...good, "svix-signature": "v1,AAAA" }),
          "another version": lines({ ...good, "svix-signature": good["svix-signature"].slice(0, 1) }),
          stale: lines(stale),
        };
        for (const [name, headers] of Object.entries(cases)) {
          // Nothing of the body is sent, and the answer still comes.
          assert.equal(await raw([...headers, length], "", { ingest: "patient" }), 401, name);
        }
      });

      it("aborts it, and limits the memory of all uploads", async () => {
        const body = "x".repeat(ONE - 1);
        const headers = [...lines(signed(body)), `Content-Length: ${ONE}`];
        const ingest = "patient";
        const seen = new Set();
        // On a slow machine the first may be aborted before the last have arrived: then once more.
        for (let round = 0; round < 5 && !seen.has(503); round += 1) {
          const crowd = Array.from({ length: 140 }, () => raw(headers, body, { ingest }));
          for (const status of await Promise.all(crowd)) seen.add(status);
        }
        assert.deepEqual([...seen].sort(), [408, 503]);
        await logged("concurrent uploads exceed");
        await logged("request body not received within");
        // The whole budget is free again.
        const whole = lines(signed(BODY));
        for (let n = 0; n < 3; n += 1) {
          assert.equal(await raw([...whole, length(BODY.length)], BODY, { ingest }), 202);
        }
      });
    });

    it("counts the bytes of a chunked body", async () => {
      const chunked = (text) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
      const good = lines(signed(BODY));
      assert.equal(await raw([...good, "Transfer-Encoding: chunked"], chunked(BODY)), 202);
      const large = BODY.padEnd(262_145);
      const signedLarge = lines(signed(large));
      assert.equal(await raw([...signedLarge, "Transfer-Encoding: chunked"], chunked(large)), 413);
    });
  });
});
