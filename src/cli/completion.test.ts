import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import { COMPLETIONS, describeCommands } from "./completion.ts";

const NAMES = Object.keys(COMMANDS);
let bash: string;

beforeAll(async () => {
  bash = COMPLETIONS.bash(await describeCommands());
});

/** What bash offers for a line whose last word is being written. */
function offered(...words: readonly string[]): readonly string[] {
  return offeredWith({ PATH: "/usr/bin:/bin" }, words);
}

function offeredWith(env: NodeJS.ProcessEnv, words: readonly string[]): readonly string[] {
  const script = `${bash}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _laminate; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", "laminate", ...words], { encoding: "utf8", env });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, flags after a command, and files where they are meant", () => {
  expect(offered("bu")).toEqual(["build", "builds", "builder"]);
  expect(offered("--root", "/x", "hist")).toEqual(["history"]);
  expect(offered("help", "lo")).toEqual(expect.arrayContaining(["login", "logout", "load", "logs"]));
  expect(offered("sys")).toEqual(["system"]);
  expect(offered("system", "")).toEqual(["prune", "df"]);
  expect(offered("image", "prune", "--fi")).toEqual(["--filter"]);
  expect(offered("build", "--no")).toEqual(["--no-cache", "--no-cache-filter"]);
  expect(offered("build", "--file", "/etc/passw")).toContain("/etc/passwd");
});

test("bash completes the values of flags and arguments that take one of a few", () => {
  expect(offered("build", "--progress", "")).toEqual(["auto", "plain", "tty", "quiet", "none", "rawjson"]);
  expect(offered("build", "--progress", "=", "pl")).toEqual(["plain"]);
  expect(offered("build", "--progress", "=")).toHaveLength(6);
  expect(offered("run", "--network", "n")).toEqual(["none"]);
  expect(offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
});

test("bash completes names of images, of containers, of both, and of builds", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "laminate-completion-"));
  writeFileSync(path.join(directory, "laminate"), "#!/bin/sh\ncase \"$*\" in images*) echo app:latest ;; ps*) echo apple ;; 'builds -q') echo 2026-1 ;; esac\n", { mode: 0o755 });
  const from = (...words: readonly string[]) => offeredWith({ PATH: `${directory}:/usr/bin:/bin` }, words);
  try {
    expect(from("run", "a")).toEqual(["app:latest"]);
    expect(from("stop", "a")).toEqual(["apple"]);
    expect(from("inspect", "a")).toEqual(["app:latest", "apple"]);
    expect(from("logs", "")).toEqual(["apple"]);
    expect(from("why", "")).toEqual(["2026-1"]);
    expect(from("builds", "show", "")).toEqual(["2026-1"]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

for (const shell of ["bash", "zsh", "fish"] as const) {
  const installed = spawnSync("sh", ["-c", `command -v ${shell}`]).status === 0;

  test(`${shell}'s script knows every command`, async () => {
    const script = COMPLETIONS[shell](await describeCommands());
    for (const word of NAMES.flatMap((name) => name.split(" "))) expect(script).toContain(word);
  });

  test.skipIf(!installed)(`${shell} reads its script without complaint (where it is installed)`, async () => {
    const { status, stderr } = spawnSync(shell, ["-n"], { input: COMPLETIONS[shell](await describeCommands()), encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
}
