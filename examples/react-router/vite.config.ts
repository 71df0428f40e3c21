import { reactRouter } from "@react-router/dev/vite";
import { defineConfig } from "vite";

export default defineConfig(({ isSsrBuild }) => ({
  plugins: [reactRouter()],
  build: {
    // The Worker's entry instead of React Router's own, which is for Node.
    rollupOptions: isSsrBuild
      ? { input: "./workers/app.ts", external: ["cloudflare:workers"] }
      : {},
  },
  ssr: {
    target: "webworker",
    // A Worker cannot load from node_modules.
    noExternal: true,
    resolve: { conditions: ["workerd", "worker", "browser"], externalConditions: ["workerd"] },
  },
}));
