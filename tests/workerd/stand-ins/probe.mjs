// A Worker through which the test uses the system's bindings: SQL on the database, requests to the
// role caches and to Meter, messages on the queue. The other Workers do not know it.

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const asked = await request.json();
    try {
      return Response.json({ value: await DO[pathname](env, asked) });
    } catch (cause) {
      return Response.json({ error: String(cause) });
    }
  },
};

/**
 * Gets the role cache by the user's name, or as `by` says: a unique id, another name, an id string.
 */
function idOf(objects, user, { unique, name, text } = {}) {
  if (unique) return objects.newUniqueId();
  const id = objects.idFromName(name ?? user);
  return text ? objects.idFromString(id.toString()) : id;
}

async function tell(env, { user, what, body, by, binding = "ROLES" }) {
  const stub = env[binding].get(idOf(env[binding], user, by));
  const text = JSON.stringify(body);
  if (what === "peek") {
    const response = await stub.fetch("https://role-cache/peek");
    return { status: response.status, body: await response.json() };
  }
  // A query is in the URL, a hint in the body.
  const response =
    what === "ask"
      ? await stub.fetch(`https://role-cache/ask?${encodeURIComponent(text)}`)
      : await stub.fetch(`https://role-cache/${what}`, { method: "POST", body: text });
  return { status: response.status, body: await response.json() };
}

const DO = {
  "/sql": async ({ DB }, { text, args }) => (await DB.prepare(text).bind(...args).all()).results,

  "/tell": tell,

  /** Sends a request to a shard of Meter: `body` is posted, without one it is a `GET`. */
  "/meter": async ({ METER }, { shard, what, body }) => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const stub = METER.get(METER.idFromName(`meter-${shard}`));
    const response = await stub.fetch(`https://meter/${what}`, init);
    return { status: response.status, body: await response.text() };
  },

  /** Sends the same request many times at once. */
  "/crowd": (env, { times, ...asked }) =>
    Promise.all(Array.from({ length: times }, () => tell(env, asked))),

  "/send": ({ EVENTS }, { body, contentType }) => {
    // JSON has no Map, so it comes as entries.
    const sent = contentType === "v8" ? new Map(body) : body;
    return EVENTS.send(sent, { contentType });
  },
};
