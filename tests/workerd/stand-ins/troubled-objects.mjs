// The objects with a hand on each call: before one is made the test is asked, and may name the
// error that it shall end with, with the marks that the runtime would set on it, or answer itself.
// The class is named like the runtime's own, for the Worker checks what it is bound to.

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
