import type { Config } from "@react-router/dev/config";

export default {
  // Middleware reads the session once for all loaders of a request.
  future: { v8_middleware: true },
  // The first page has all routes, so no requests for further routes are made.
  routeDiscovery: { mode: "initial" },
} satisfies Config;
