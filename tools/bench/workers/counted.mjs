// A shell around a built Worker that counts what Cloudflare bills: invocations, rows of D1, parts
// of queue messages, requests and rows of Durable Objects, log lines. It stands before the Worker's
// own module (`tools/bench/support/counted.mjs`). A Worker and its objects are one isolate here, so
// one variable has the sums; a request to `http://count/` returns them and begins anew.

import * as inner from "./index.js";

/** Bytes of a queue message that are one operation, and of its metadata, as Queues bills them. */
const PART_BYTES = 64_000;
const METADATA_BYTES = 100;

const ZERO = {
  requests: 0,
  batches: 0,
  crons: 0,
  d1_calls: 0,
  d1_read: 0,
  d1_written: 0,
  queue_written: 0,
  queue_read: 0,
  queue_again: 0,
  object_requests: 0,
  object_alarms: 0,
  object_read: 0,
  object_written: 0,
  object_bytes: 0,
  object_d1_calls: 0,
  meter_requests: 0,
  meter_bytes: 0,
  meter_read: 0,
  meter_written: 0,
  log_lines: 0,
  log_bytes: 0,
  points: 0,
};

let sums = { ...ZERO };

for (const level of ["debug", "log", "info", "warn", "error"]) {
  const print = console[level];
  console[level] = (...all) => {
    sums.log_lines += 1;
    const text = all.map((it) => (typeof it === "string" ? it : JSON.stringify(it))).join(" ");
    sums.log_bytes += new TextEncoder().encode(text).length;
    print.apply(console, all);
  };
}

const parts = (bytes) => Math.ceil((bytes + METADATA_BYTES) / PART_BYTES);

/** The same object, but for the members in `own`. Members of a native object need it as `this`. */
function over(target, own) {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(own, name)) return own[name];
      const value = target[name];
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

const BINDINGS = {
  D1Database: (db, caller) =>
    over(db, {
      async batch(statements) {
        const results = await db.batch(statements);
        sums.d1_calls += 1;
        if (caller === "object") sums.object_d1_calls += 1;
        for (const { meta } of results) {
          sums.d1_read += meta.rows_read;
          sums.d1_written += meta.rows_written;
        }
        return results;
      },
      prepare(text) {
        return db.prepare(text);
      },
    }),
  WorkerQueue: (queue) =>
    over(queue, {
      send(body, options) {
        sums.queue_written += parts(body.length);
        return queue.send(body, options);
      },
      sendBatch(all, options) {
        const list = [...all];
        for (const { body } of list) sums.queue_written += parts(body.length);
        return queue.sendBatch(list, options);
      },
    }),
  AnalyticsEngineDataset: (points) =>
    over(points, {
      writeDataPoint(point) {
        sums.points += 1;
        return points.writeDataPoint(point);
      },
    }),
};

function counted(env, caller) {
  const own = {};
  for (const [name, value] of Object.entries(env)) {
    own[name] = BINDINGS[value?.constructor?.name]?.(value, caller) ?? value;
  }
  return own;
}

/** Rows of the storage as SQLite-backed objects are billed: one for each key. */
function storageOf(storage, rows, cursors) {
  const count = (keys) => (Array.isArray(keys) ? keys.length : 1);
  const sql = over(storage.sql, {
    exec(...all) {
      const cursor = storage.sql.exec(...all);
      cursors.push(cursor);
      return cursor;
    },
  });
  return over(storage, {
    sql,
    get(keys, ...rest) {
      rows.read += count(keys);
      return storage.get(keys, ...rest);
    },
    put(key, ...rest) {
      rows.written += typeof key === "string" ? 1 : Object.keys(key).length;
      return storage.put(key, ...rest);
    },
    delete(keys, ...rest) {
      rows.written += count(keys);
      return storage.delete(keys, ...rest);
    },
    setAlarm(...all) {
      rows.written += 1;
      return storage.setAlarm(...all);
    },
  });
}

/** A class of Durable Objects that counts. Its own name is what the sums go by. */
export function countedClass(Inner, prefix) {
  return class {
    #inner;
    #storage;
    #rows = { read: 0, written: 0 };
    #cursors = [];

    constructor(state, env) {
      this.#storage = state.storage;
      const storage = storageOf(state.storage, this.#rows, this.#cursors);
      Object.defineProperty(state, "storage", { value: storage });
      this.#inner = new Inner(state, counted(env, prefix));
    }

    async #run(work) {
      try {
        return await work();
      } finally {
        for (const { rowsRead, rowsWritten } of this.#cursors.splice(0)) {
          this.#rows.read += rowsRead;
          this.#rows.written += rowsWritten;
        }
        sums[`${prefix}_read`] += this.#rows.read;
        sums[`${prefix}_written`] += this.#rows.written;
        this.#rows.read = 0;
        this.#rows.written = 0;
        sums[`${prefix}_bytes`] = Math.max(sums[`${prefix}_bytes`], this.#storage.sql.databaseSize);
      }
    }

    fetch(request) {
      sums[`${prefix}_requests`] += 1;
      return this.#run(() => this.#inner.fetch(request));
    }

    alarm(...all) {
      sums.object_alarms += 1;
      return this.#run(() => this.#inner.alarm(...all));
    }
  };
}

const worker = (env, context) => new inner.default(context, counted(env));

export default {
  fetch(request, env, context) {
    if (new URL(request.url).hostname === "count") {
      const answer = Response.json(sums);
      sums = { ...ZERO };
      return answer;
    }
    sums.requests += 1;
    return worker(env, context).fetch(request);
  },

  queue(batch, env, context) {
    sums.batches += 1;
    for (const { body, attempts } of batch.messages) {
      sums.queue_read += parts(body.length ?? 0);
      if (1 < attempts) sums.queue_again += parts(body.length ?? 0);
    }
    return worker(env, context).queue(batch);
  },

  scheduled(event, env, context) {
    sums.crons += 1;
    return worker(env, context).scheduled(event);
  },
};
