// A `Meter` that does not answer before the test says so.

export class Meter {
  #env;

  constructor(_ctx, env) {
    this.#env = env;
  }

  async fetch(request) {
    const { sequence } = await request.json();
    return this.#env.TEST.fetch("http://test", { method: "POST", body: `${sequence}` });
  }
}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
