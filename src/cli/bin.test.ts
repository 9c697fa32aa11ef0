import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const PROJECT = join(import.meta.dirname, "..", "..");
const BIN = join(PROJECT, "bin", "laminate");
const START = join(PROJECT, "bin", "start.cjs");
let directory: string;

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "laminate-bin-")));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { PATH: "/usr/bin:/bin", HOME: directory, LAMINATE_SOURCE: "1", ...extra };
}

function run(file: string, args: readonly string[], env = environment()) {
  const { status, stdout, stderr } = spawnSync(file, args, { env, cwd: directory, encoding: "utf8" });
  return { status, stdout, stderr };
}

const VERSION = { status: 0, stdout: expect.stringMatching(/^laminate version /), stderr: "" };

test("bin/laminate runs from anywhere, through npm's links, whatever node is first in PATH", () => {
  expect(run(BIN, ["--version"])).toEqual(VERSION);
  mkdirSync(join(directory, "bin"));
  symlinkSync(BIN, join(directory, "one"));
  symlinkSync("../one", join(directory, "bin", "laminate"));
  expect(run("laminate", ["--version"], environment({ PATH: `${directory}/bin:/usr/bin:/bin` }))).toEqual(VERSION);
});

test("an unknown command is refused with exit code 1 on standard error", () => {
  expect(run(BIN, ["biuld"])).toEqual({ status: 1, stdout: "", stderr: expect.stringContaining("did you mean 'laminate build'?") });
});

test("layers are compressed also where a process may not have 10 GB of addresses for each thread", () => {
  mkdirSync(join(directory, "context"), { recursive: true });
  writeFileSync(join(directory, "context", "Dockerfile"), "FROM scratch\nCOPY large /\n");
  writeFileSync(join(directory, "context", "large"), Buffer.alloc(80 << 20));
  const limited = 'ulimit -v 18000000;  exec "$0" "$@"';
  expect(run("/bin/sh", ["-c", limited, BIN, "build", "-q", "-o", "type=oci,dest=image.tar", "context"], environment({ LAMINATE_ROOT: join(directory, "store"), LAMINATE_SOURCE: undefined }))).toMatchObject({ status: 0, stderr: "" });
  expect(run("tar", ["-tf", "image.tar"]).stdout).toContain("index.json");
});

/** A Node that believes to be 20.1, with the arguments that make it so. */
function oldNode(args: readonly string[], env?: NodeJS.ProcessEnv) {
  const fake = join(directory, "fake-version.cjs");
  writeFileSync(fake, "Object.defineProperty(process, 'versions', { value: Object.assign({}, process.versions, { node: '20.1.0' }) });");
  return run(process.execPath, ["-r", fake, ...args], env);
}

test("an old Node hands over to a new one of PATH and passes its exit code on", () => {
  const path = join(directory, "new");
  mkdirSync(path);
  symlinkSync(process.execPath, join(path, "node"));
  const env = environment({ PATH: path });
  expect(oldNode([START, "--version"], env)).toEqual(VERSION);
  expect(oldNode([START, "build", "--bad"], env)).toMatchObject({ status: 125 });
});

test("an old Node alone says in one line what is needed", () => {
  const alone = join(directory, "alone");
  mkdirSync(join(alone, "bin"), { recursive: true });
  const copy = join(alone, "bin", "start.cjs");
  spawnSync("cp", [START, copy]);
  const { status, stderr } = oldNode([copy, "--version"], environment({ PATH: "/nonexistent" }));
  // A machine may have a Node of its own where distributions put it.
  if (status !== 0) expect({ status, stderr }).toEqual({ status: 1, stderr: "laminate: Node 24.15 or later is needed, this is 20.1.0: https://nodejs.org/en/download\n" });
});

test("where nobody reads any more the command ends quietly", async () => {
  const child = spawn(BIN, ["--help"], { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  expect(stderr).toBe("");
});

test("output that cannot be written is an error", () => {
  const { status, stderr } = run("sh", ["-c", `${BIN} --help > /dev/full`]);
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^laminate: write to standard output: .*ENOSPC.*\n$/) });
});

test("compiled code is kept in the user's own directory", () => {
  run(BIN, ["--version"], environment({ XDG_CACHE_HOME: join(directory, "cache") }));
  expect(spawnSync("ls", [join(directory, "cache", "laminate", "compiled")]).status).toBe(0);
});

test("npm run build makes files that do the same without the sources", () => {
  const made = join(directory, "package");
  const built = spawnSync(process.execPath, [join(PROJECT, "scripts", "build.mjs"), "--outdir", join(made, "dist")], { encoding: "utf8", env: environment() });
  expect(built).toMatchObject({ status: 0, stderr: "" });
  spawnSync("cp", ["-r", join(PROJECT, "bin"), join(PROJECT, "package.json"), made]);
  const env = environment({ LAMINATE_SOURCE: "", LAMINATE_NODE: process.execPath });
  expect(run(join(made, "bin", "laminate"), ["--version"], env)).toEqual(VERSION);
  expect(run(join(made, "bin", "laminate"), ["build", "--help"], env).stdout).toContain("Usage:  laminate build");
});
