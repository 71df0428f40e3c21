// Raw HTTP: paths that no URL parser has changed, and duplicate headers.

import { request } from "node:http";

/**
 * Sends a request to a Worker's own socket.
 *
 * @param {URL} url the URL of the socket.
 * @param {string} path is sent literally.
 * @param {{method?: string, headers?: Record<string, string | string[]>, body?: string}} how A
 * header with a list of values is sent once per value.
 * @returns {Promise<{status: number, headers: Headers, text: string}>}
 */
export function wire(url, path, { method = "GET", headers = {}, body } = {}) {
  const all = Object.entries({ host: "app.example.com", ...headers });
  const lines = all.flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value]));
  const { hostname: host, port } = url;
  return new Promise((done, fail) => {
    const asking = request({ host, port, method, path, headers: lines, agent: false });
    asking.on("error", fail);
    asking.on("response", (response) => read(response).then(done, fail));
    asking.end(body);
  });
}

async function read(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  return { status: response.statusCode, headers, text: Buffer.concat(chunks).toString() };
}
