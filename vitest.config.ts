import path from "node:path";
import { defineConfig } from "vitest/config";

// Processes that tests start from the sources, sandbox workers most of all, start in a fifth of the time where Node finds them compiled.
const NODE_COMPILE_CACHE = path.join(import.meta.dirname, "node_modules/.cache/compile");

// Tests start containers, servers and package managers; on a busy machine of two cores any of them may take long.
export default defineConfig({ test: { testTimeout: 180_000, hookTimeout: 180_000, env: { NODE_COMPILE_CACHE } } });
