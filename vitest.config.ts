import { defineConfig } from "vitest/config";

/** Ten thousand requests take a second, and several on a machine that has other things to do. */
const BUSY_MACHINE_MS = 60_000;

/** Suites by what they run in: Node for everything pure, for the agent and for sign-in with real sockets and for the model of both ends, workerd for storage and sockets, and the running whole. */
export default defineConfig({
  test: {
    projects: [
      // One thread runs several files: nothing in them outlives its file, and starting anew costs more than the tests.
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          pool: "threads",
          isolate: false,
          testTimeout: BUSY_MACHINE_MS,
        },
      },
      { test: { name: "oidc", include: ["test/oidc/**/*.test.ts"], testTimeout: BUSY_MACHINE_MS } },
      { test: { name: "agent", include: ["test/agent/**/*.test.ts"] } },
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
