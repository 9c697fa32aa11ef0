import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const ENTRY = join(import.meta.dirname, "entry.ts");

/** The builtin modules and files that a command line has loaded when it ends. */
function loaded(...args: readonly string[]): string {
  const watch = `const hooks = require("node:module").registerHooks({ resolve(name, context, next) { const found = next(name, context); require("node:fs").writeSync(2, found.url + "\\n"); return found; } });`;
  const { status, stderr } = spawnSync(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(`import { createRequire } from "node:module"; const require = createRequire("/"); ${watch}`)}`, ENTRY, ...args], {
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin" },
  });
  expect(status).toBe(0);
  expect(stderr).toContain("cli/main.ts");
  return stderr;
}

const HEAVY = /node:(https?|sqlite|child_process|worker_threads|zlib|crypto)\b|koffi|\/(store|registry|sandbox|solver|dockerfile|api)\//;

test.each([[["--version"]], [["--help"]], [["build", "--help"]]])("%j loads no network, no database, no other room", (args) => {
  expect(loaded(...args).split("\n").filter((line) => HEAVY.test(line))).toEqual([]);
});

test("--help loads no command", () => {
  expect(loaded("--help")).not.toContain("/commands/");
});
