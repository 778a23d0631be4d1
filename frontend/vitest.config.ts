import { defineConfig } from "vitest/config";

export default defineConfig({
  // Beside Python's caches, never in a folder that is committed.
  cacheDir: "node_modules/.vitest",
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
  },
});
