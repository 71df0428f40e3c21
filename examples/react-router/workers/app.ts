// The Worker: checks and headers for every request, and React Router.

import * as build from "virtual:react-router/server-build";
import type { ServerBuild } from "react-router";
import { RouterContextProvider, createRequestHandler } from "react-router";

import { isCrossSiteWrite } from "../app/origin.server.ts";

const handleRequest = createRequestHandler(build as unknown as ServerBuild, import.meta.env.MODE);

export default {
  async fetch(request) {
    const response = isCrossSiteWrite(request)
      ? new Response("forbidden", { status: 403 })
      : await handleRequest(request, new RouterContextProvider());
    // Pages are personal, so they are not cached. The headers are copied: they may be immutable.
    const headers = new Headers(response.headers);
    headers.set("cache-control", "private, no-store");
    // Not `same-origin`: Clerk rejects a sign-out form without an `Origin`.
    headers.set("referrer-policy", "strict-origin-when-cross-origin");
    headers.set("x-content-type-options", "nosniff");
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers });
  },
} satisfies ExportedHandler;
