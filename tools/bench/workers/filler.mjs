// Sends a flush to a shard of Meter, as an isolate does.

export default {
  async fetch(request, env) {
    const shard = new URL(request.url).pathname.slice(1);
    const meter = env.METER.get(env.METER.idFromName(shard));
    const flush = { method: "POST", body: await request.text() };
    return meter.fetch("https://meter/flush", flush);
  },
};
