// The cost of a first check without decisions: the same protocol steps in plain JavaScript, without
// session, role or guard. A Durable Object reads its storage, stores its identity with its alarm,
// registers and reads at D1 in one batch, and stores what it read.

export class Bare {
  #storage;
  #env;

  constructor(state, env) {
    this.#storage = state.storage;
    this.#env = env;
  }

  async fetch(request) {
    const user = new URL(request.url).searchParams.get("user");
    const owner = Date.now();
    await this.#storage.get("state");
    await Promise.all([
      this.#storage.put("state", JSON.stringify({ owner })),
      this.#storage.setAlarm(owner + 86_400_000),
    ]);
    const { DB } = this.#env;
    const [, read] = await DB.batch([
      DB.prepare("INSERT INTO bare (user, owner) VALUES (?1, ?2)").bind(user, owner),
      DB.prepare("SELECT owner FROM bare WHERE user = ?1").bind(user),
    ]);
    await this.#storage.put("state", JSON.stringify({ owner, read: read.results }));
    return Response.json({ allowed: true });
  }

  alarm() {}
}

export default {
  fetch(_request, { BARE }) {
    const user = crypto.randomUUID();
    const stub = BARE.get(BARE.idFromName(user));
    return stub.fetch(`https://bare/?user=${user}`);
  },
};
