import { expect, test } from "vitest";
import { Failure } from "../base/failure.ts";
import { screen } from "../testing/command-line.ts";
import { type Command, type CommandContext, defineCommand } from "./command.ts";
import { Interrupted } from "./interrupted.ts";
import { report } from "./report.ts";
import { runCommand } from "./run-command.ts";

const calls: { context: CommandContext; flags: object; args: readonly string[] }[] = [];
const sample = defineCommand({
  name: "sample",
  summary: "Do something",
  usage: "IMAGE [ARG...]",
  examples: ["laminate sample x"],
  flags: { host: { kind: "string", short: "h", summary: "A host" } },
  arguments: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, flags, args) {
    calls.push({ context, flags, args });
    return 7;
  },
});

async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  calls.length = 0;
  const globals = { root: undefined, debug: false };
  const code = await runCommand(sample as unknown as Command, words, screen({ env }).world, globals);
  return { code, call: calls[0], globals };
}

test("a command gets its own flags and arguments, its exit code is ours", async () => {
  const { code, call } = await run(["-h", "box", "image", "-h", "--help", "--debug"]);
  expect(code).toBe(7);
  expect(call).toMatchObject({ flags: { host: "box" }, args: ["image", "-h", "--help", "--debug"] });
});

test("--root stands above LAMINATE_ROOT, an empty one is none", async () => {
  expect((await run(["x"], { LAMINATE_ROOT: "/env" })).call!.context.root).toBe("/env");
  expect((await run(["--root", "/flag", "-D", "x"], { LAMINATE_ROOT: "/env" })).call!.context.root).toBe("/flag");
  expect((await run(["x"], { LAMINATE_ROOT: "" })).call!.context.root).toBeUndefined();
  expect((await run(["-D", "x"])).globals.debug).toBe(true);
});

class Refused extends Failure {
  readonly code = "refused";
}

async function reported(error: unknown, { debug = false, signal = new AbortController().signal } = {}) {
  const { world, err } = screen({ signal });
  const code = report(error, world, debug);
  await new Promise(setImmediate);
  return { code, err: err() };
}

test("an expected failure is a line and its hint, never a stack", async () => {
  const failure = new Refused("pull \u001b[31m\"x\"\u001b[0m: the registry said 401", { hint: "Run 'laminate login' first" });
  expect(await reported(failure)).toEqual({ code: 1, err: "laminate: pull \"x\": the registry said 401\nRun 'laminate login' first\n" });
});

test("--debug shows where an error and its cause came from", async () => {
  const { err } = await reported(new Refused("outer", { cause: new Error("inner") }), { debug: true });
  expect(err).toMatch(/laminate: outer\nRefused: outer\n {4}at [^]*\ncaused by: Error: inner\n {4}at /);
});

test("what went wrong first is told, not what then could not be released", async () => {
  const both = new SuppressedError(new Error("release"), new Refused("first", { hint: "do this" }), "");
  expect(await reported(both)).toEqual({ code: 1, err: "laminate: first\ndo this\n" });
});

test("a broken invariant asks for a report, a full disk for room", async () => {
  expect((await reported(new Error("Internal error: x"))).err).toContain("mistake in Laminate");
  expect((await reported(Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }))).err).toContain("The disk is full");
});

test.each([
  ["SIGINT", 130, "laminate: interrupted\n"],
  ["SIGTERM", 143, "laminate: interrupted\n"],
  ["SIGPIPE", 141, ""],
] as const)("after %s the exit code is %i, whatever the command threw", async (name, code, err) => {
  expect(await reported(new Error("aborted"), { signal: AbortSignal.abort(new Interrupted(name)) })).toEqual({ code, err });
});
