// Free ports of this machine.

import { createServer } from "node:net";

/** Finds free ports. They are different because all are open at once. */
export async function freePorts(count) {
  const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", done));
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map(listen));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
