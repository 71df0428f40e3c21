// Passes every message of the queue to the test.

export default {
  async queue(batch, env) {
    for (const { id, body } of batch.messages) {
      await env.SINK.fetch("http://sink", { method: "POST", body: JSON.stringify({ id, body }) });
    }
  },
};
