// A D1 database that counts the rows that its batches read and write, as D1 bills them. The class
// has the name of the runtime's own, because the Worker checks the type of its binding.

class D1Database {
  #real;
  #count;

  constructor({ REAL, COUNT }) {
    this.#real = REAL;
    this.#count = COUNT;
  }

  prepare(text) {
    return this.#real.prepare(text);
  }

  async batch(statements) {
    const results = await this.#real.batch(statements);
    const sum = (name) => results.reduce((total, { meta }) => total + meta[name], 0);
    const rows = { read: sum("rows_read"), written: sum("rows_written") };
    await this.#count.fetch("http://count", { method: "POST", body: JSON.stringify(rows) });
    return results;
  }
}

export default function make(env) {
  return new D1Database(env);
}
