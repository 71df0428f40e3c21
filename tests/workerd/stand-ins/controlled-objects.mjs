// A namespace of Durable Objects that asks the test before each call. The test may return the error
// with which the call fails, with the runtime's properties, or the answer. The class has the name
// of the runtime's own, because the Worker checks the type of its binding.

let stubs = 0;

class DurableObjectNamespace {
  #real;
  #test;

  constructor({ REAL, TEST }) {
    this.#real = REAL;
    this.#test = TEST;
  }

  getByName(name) {
    stubs += 1;
    const stub = stubs;
    return {
      fetch: async (...sent) => {
        const request = new Request(...sent);
        const asked = { stub, name, path: new URL(request.url).pathname };
        const post = { method: "POST", body: JSON.stringify(asked) };
        const trouble = await (await this.#test.fetch("http://test", post)).json();
        if (trouble?.answer) return Response.json(trouble.answer);
        if (trouble) throw Object.assign(new Error(trouble.message), trouble.marks);
        return this.#real.get(this.#real.idFromName(name)).fetch(request);
      },
    };
  }
}

export default function make(env) {
  return new DurableObjectNamespace(env);
}
