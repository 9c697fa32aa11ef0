import path from "node:path";
import { defineConfig } from "vitest/config";

// Processes that tests start from the sources, sandbox workers most of all, start in a fifth of the time where Node finds them compiled.
const NODE_COMPILE_CACHE = path.join(import.meta.dirname, "node_modules/.cache/compile");

// One test among thousands that meets a machine too busy for it is tried once more, and told at the end. Those that look
// for races themselves have one try (`retry: 0`), and so has what fast-check found: other inputs would pass.
const retry = { count: 1, condition: /^(?!Property failed)/ };
const reporters = ["default", path.join(import.meta.dirname, "src/testing/second-tries.ts")];

// Tests start containers, servers and package managers; on a busy machine of two cores any of them may take long.
export default defineConfig({ test: { testTimeout: 180_000, hookTimeout: 180_000, retry, reporters, env: { NODE_COMPILE_CACHE } } });
