// A relay of requests: for an address that must be known before its server starts, and to see what
// was asked.

import { createServer } from "node:http";

/** Starts it on a free port. `requests` are the paths of all requests. */
export async function startRelay() {
  let target;
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push(request.url);
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !/^(host|connection)$/.test(name)),
    );
    // Who hangs up hangs up on the target too.
    const abort = new AbortController();
    response.on("close", () => abort.abort());
    try {
      const { method } = request;
      const answer = await fetch(new URL(request.url, target), {
        method,
        headers,
        signal: abort.signal,
        ...(method === "GET" ? {} : { body: Buffer.concat(chunks) }),
      });
      response.writeHead(answer.status).end(await answer.text());
    } catch (cause) {
      response.writeHead(502).end(String(cause));
    }
  });
  await new Promise((done) => void server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    to: (url) => (target = url),
    stop: () => server.close(),
  };
}
