import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** The tenant script in workerd, with the test doing what the Worker and the agent do. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "../../durable-objects/wrangler.toml" },
      miniflare: { bindings: { STORAGE_KEY: "test-storage-key-0123456789abcdef0123456789" } },
    }),
  ],
  test: { name: "workers", include: ["**/*.test.ts"] },
});
