import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const ENTRY = join(import.meta.dirname, "entry.ts");
/** As it is published. */
const BUNDLE = join(import.meta.dirname, "../../dist/entry.cjs");

/** Writes every module that is resolved to standard error. */
const WATCH = `
const { writeSync } = require("node:fs");
require("node:module").registerHooks({
  resolve(name, context, next) {
    const found = next(name, context);
    writeSync(2, found.url + "\\n");
    return found;
  },
});
`;

const directory = mkdtempSync(join(tmpdir(), "laminate-startup-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The modules that a command line has loaded when it ends. */
function loaded(...args: readonly string[]): readonly string[] {
  return loadedFrom(ENTRY, args);
}

function loadedFrom(entry: string, args: readonly string[]): readonly string[] {
  const watch = join(directory, "watch.cjs");
  writeFileSync(watch, WATCH);
  const { status, stderr } = spawnSync(process.execPath, ["-r", watch, entry, ...args], { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
  expect(status).toBe(0);
  expect(stderr).toContain(entry === ENTRY ? "cli/main.ts" : "node:crypto");
  return stderr.split("\n");
}

const HEAVY = /node:(https?|sqlite|child_process|worker_threads|zlib|crypto)\b|koffi|\/(store|registry|sandbox|solver|dockerfile|api)\//;

test.each([[["--version"]], [["--help"]], [["build", "--help"]]])("%j loads no network, no database, no other room", (args) => {
  expect(loaded(...args).filter((line) => HEAVY.test(line))).toEqual([]);
});

test("--help loads no command", () => {
  expect(loaded("--help").filter((line) => line.includes("/commands/"))).toEqual([]);
});

test("a build that finds everything in the cache loads no client of a network, no compression, and nothing that starts processes or threads", () => {
  const context = join(directory, "context");
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  const build = ["--root", join(directory, "store"), "build", "-q", context];
  loadedFrom(BUNDLE, build);
  expect(loadedFrom(BUNDLE, build).filter((line) => /node:(https?|http2|tls|dns|zlib|child_process|worker_threads|fs\/promises)\b|koffi/.test(line))).toEqual([]);
});
