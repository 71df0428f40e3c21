// A queue that asks the test before each message. The test may delay its answer, or return the
// options of `send`. The class has the name of the runtime's own, because the Worker checks the type
// of its binding.

class WorkerQueue {
  #real;
  #test;

  constructor({ REAL, TEST }) {
    this.#real = REAL;
    this.#test = TEST;
  }

  async send(body) {
    const options = await (await this.#test.fetch("http://test")).json();
    return this.#real.send(body, { contentType: "text", ...options });
  }
}

export default function make(env) {
  return new WorkerQueue(env);
}
