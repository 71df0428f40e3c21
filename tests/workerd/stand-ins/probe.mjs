// The test's own hands inside the system: SQL on the database, words to the role caches, messages
// put straight on the queue. It stands beside the Workers and none of them knows of it.

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

const DO = {
  "/sql": async ({ DB }, { text, args }) => (await DB.prepare(text).bind(...args).all()).results,

  "/tell": async (env, { user, what, body, binding = "ROLES" }) => {
    const stub = env[binding].get(env[binding].idFromName(user));
    const request = { method: "POST", body: JSON.stringify(body) };
    const response = await stub.fetch(`https://role-cache/${what}`, request);
    return { status: response.status, body: await response.json() };
  },

  "/send": ({ EVENTS }, { body, contentType }) => {
    // JSON carries no Map: it comes as its entries.
    const sent = contentType === "v8" ? new Map(body) : body;
    return EVENTS.send(sent, { contentType });
  },
};
