// The Worker: what holds for every request, then React Router.

import * as build from "virtual:react-router/server-build";
import type { ServerBuild } from "react-router";
import { RouterContextProvider, createRequestHandler } from "react-router";

import { isForeign } from "../app/origin.server.ts";

const answer = createRequestHandler(build as unknown as ServerBuild, import.meta.env.MODE);

export default {
  async fetch(request) {
    const response = isForeign(request)
      ? new Response("forbidden", { status: 403 })
      : await answer(request, new RouterContextProvider());
    // Each page says who is signed in. A response may have headers that cannot be changed.
    const headers = new Headers(response.headers);
    headers.set("cache-control", "private, no-store");
    // Not `same-origin`: the form that signs out at Clerk would come from nowhere, and be refused.
    headers.set("referrer-policy", "strict-origin-when-cross-origin");
    headers.set("x-content-type-options", "nosniff");
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers });
  },
} satisfies ExportedHandler;
