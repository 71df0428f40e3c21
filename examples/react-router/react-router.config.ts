import type { Config } from "@react-router/dev/config";

export default {
  // Middleware reads the session once for all loaders of a request.
  future: { v8_middleware: true },
  // All routes are told with the first page: no request for more of them.
  routeDiscovery: { mode: "initial" },
} satisfies Config;
