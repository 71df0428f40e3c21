// Takes every batch of the queue, and passes it on if requested: without a consumer Miniflare would
// not keep the messages of ingest.

export default {
  async queue(batch, env) {
    if (!env.TAKE) return;
    const body = JSON.stringify(batch.messages.map((message) => message.body));
    await env.TAKE.fetch("http://take", { method: "POST", body });
  },
};
