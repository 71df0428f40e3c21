// Takes messages, puts them on the queue in batches, and waits until the database has the last one.

/** Each look is a query too, and the database runs one at a time. */
const LOOK_MS = 10;

let texts = [];

export default {
  async fetch(request, env) {
    if (request.method === "PUT") {
      texts = await request.json();
      return new Response();
    }
    const { searchParams } = new URL(request.url);
    const size = Number(searchParams.get("batch"));
    const sent = [];
    for (let at = 0; at < texts.length; at += size) {
      const batch = texts.slice(at, at + size);
      sent.push(env.EVENTS.sendBatch(batch.map((body) => ({ body, contentType: "text" }))));
    }
    await Promise.all(sent);
    const sql = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    const last = env.DB.prepare(sql).bind(searchParams.get("last"));
    let found = await last.first();
    while (found === null) {
      await scheduler.wait(LOOK_MS);
      found = await last.first();
    }
    return Response.json(found);
  },
};
