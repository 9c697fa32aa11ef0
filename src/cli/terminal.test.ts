import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ContainerRig, CONTAINERS } from "../testing/containers.ts";
import { until } from "../testing/until.ts";

const BIN = path.join(import.meta.dirname, "..", "..", "bin", "laminate");

/** A terminal (script(1)) in which a shell runs a line; what is typed goes to its standard input. */
class Terminal {
  readonly child: ChildProcess;
  readonly #ended: Promise<number | null>;
  seen = "";

  constructor(rig: ContainerRig, line: string) {
    const env = { ...process.env, LAMINATE_ROOT: rig.root, SHELL: "/bin/sh", laminate: BIN };
    this.child = spawn("script", ["-qefc", line, "/dev/null"], { env, cwd: rig.directory, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout!.setEncoding("latin1").on("data", (text: string) => (this.seen += text));
    this.#ended = new Promise((resolve) => this.child.once("close", resolve)); // and then all is seen
  }

  type(text: string): void {
    this.child.stdin!.write(text);
  }

  async shows(text: string | RegExp): Promise<void> {
    await until(() => (typeof text === "string" ? this.seen.includes(text) : text.test(this.seen)));
  }

  async code(): Promise<number | null> {
    return await this.#ended;
  }
}

describe.skipIf(!CONTAINERS || !existsSync("/usr/bin/script"))("a container at a terminal", () => {
  let rig: ContainerRig;
  beforeAll(async () => {
    rig = new ContainerRig("root");
    await rig.prepare();
  });
  afterAll(async () => await rig[Symbol.asyncDispose]());

  const run = (words: string, before = "") => new Terminal(rig, `${before} exec $laminate run --network none ${words}`);

  test("has one of our size, of its own, whose lines it edits", async () => {
    const terminal = run("--rm -it busybox sh", "stty rows 33 cols 77;");
    terminal.type("stty size; test -t 0 && test -t 1 && echo a$((40+2))\n");
    await terminal.shows("33 77");
    await terminal.shows("a42");
    terminal.type("exit 7\n");
    expect(await terminal.code()).toBe(7);
  });

  test("Ctrl-C goes to what runs in it, not to us", async () => {
    const terminal = run("--rm -it busybox sh -c \"trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.1; done\"");
    await terminal.shows("ready");
    terminal.type("\u0003");
    expect(await terminal.code()).toBe(5);
    expect(terminal.seen).toContain("got it");
  });

  test("Ctrl-C without a terminal of its own is SIGINT to it, once", async () => {
    const terminal = run("--rm busybox sh -c \"trap 'echo got it' INT; echo ready; sleep 1; sleep 1; sleep 1; exit 6\"");
    await terminal.shows("ready");
    terminal.type("\u0003");
    expect(await terminal.code()).toBe(6);
    expect(terminal.seen.match(/got it/g)).toHaveLength(1);
  });

  test("the detach keys leave it alone, attach comes back to it", async () => {
    const name = rig.name();
    const first = run(`-it --name ${name} busybox sh`);
    first.type("echo b$((40+2))\n");
    await first.shows("b42");
    first.type("\u0010\u0011");
    expect(await first.code()).toBe(0);
    expect(await rig.inspect(name, "{{.State.Status}}")).toBe("running");
    const again = new Terminal(rig, `$laminate attach ${name}`);
    again.type("echo c$((40+2)); exit 3\n");
    expect(await again.code()).toBe(3);
    expect(again.seen).toContain("c42");
  });

  test("a new size of the terminal reaches it", async () => {
    const name = rig.name();
    const terminal = new Terminal(rig, `stty rows 20 cols 60; t=$(tty); (until [ -e ${name} ]; do sleep 0.1; done; stty rows 41 cols 99 < $t) & exec $laminate run --rm -it --network none --name ${name} busybox sh -c "echo first; while :; do stty size; sleep 0.2; done"`);
    await terminal.shows("20 60");
    writeFileSync(path.join(rig.directory, name), "");
    await terminal.shows("41 99");
    await rig.ok("kill", name);
    expect(await terminal.code()).toBe(137);
  });
});
