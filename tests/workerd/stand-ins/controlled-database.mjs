// A D1 database that asks the test before and after each batch. The test may delay the batch, or
// return the error with which it fails. The class has the name of the runtime's own, because the
// Worker checks the type of its binding.

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
