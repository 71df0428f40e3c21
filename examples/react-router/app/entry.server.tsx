// Renders a page as a stream, or in full for crawlers, with a Content-Security-Policy.

import { isbot } from "isbot";
import { renderToReadableStream } from "react-dom/server";
import type { EntryContext } from "react-router";
import { ServerRouter } from "react-router";

import { contentSecurityPolicy } from "./csp.server.ts";
import { NonceContext } from "./nonce.ts";

export default async function handleRequest(
  request: Request,
  status: number,
  headers: Headers,
  routerContext: EntryContext,
): Promise<Response> {
  const nonce = crypto.randomUUID();
  let failed = false;
  const page = (
    <NonceContext value={nonce}>
      <ServerRouter context={routerContext} url={request.url} nonce={nonce} />
    </NonceContext>
  );
  const body = await renderToReadableStream(page, {
    nonce,
    signal: request.signal,
    onError(cause) {
      failed = true;
      console.error(cause);
    },
  });
  if (isbot(request.headers.get("user-agent"))) await body.allReady;
  headers.set("content-type", "text/html; charset=utf-8");
  headers.set("content-security-policy", contentSecurityPolicy(nonce));
  return new Response(body, { status: failed ? 500 : status, headers });
}
