import { defineConfig } from "vitest/config";

// Tests start containers, servers and package managers; on a busy machine of two cores any of them may take long.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 120_000 } });
