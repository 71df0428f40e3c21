// The database with a hand on it: before each batch is sent and before each answer is handed on,
// the test is asked. It may wait as long as it likes, or name an error that the batch shall end
// with. The class is named like the runtime's own, for the Worker checks what it is bound to.

class D1Database {
  #real;
  #test;

  constructor({ REAL, TEST }) {
    this.#real = REAL;
    this.#test = TEST;
  }

  prepare(text) {
    return this.#real.prepare(text);
  }

  async batch(statements) {
    const texts = statements.map(({ statement }) => statement);
    const parameters = statements.map(({ params }) => params);
    await this.#ask("before", texts, parameters);
    const results = await this.#real.batch(statements);
    await this.#ask("after", texts, parameters);
    return results;
  }

  async #ask(moment, texts, parameters) {
    const request = { method: "POST", body: JSON.stringify({ moment, texts, parameters }) };
    const error = await (await this.#test.fetch("http://test", request)).text();
    if (error) throw new Error(error);
  }
}

export default function make(env) {
  return new D1Database(env);
}
