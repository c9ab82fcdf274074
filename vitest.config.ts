import { defineConfig } from "vitest/config";

/** Three suites by runtime: Node for everything pure, workerd for storage and sockets, and the running whole. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        resolve: {
          alias: { "cloudflare:workers": new URL("test/model/cloudflare-workers.ts", import.meta.url).pathname },
        },
        test: { name: "model", include: ["test/model/**/*.test.ts"], testTimeout: 600_000 },
      },
      "test/workers/vitest.config.ts",
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
