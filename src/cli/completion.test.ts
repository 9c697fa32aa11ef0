import { spawnSync } from "node:child_process";
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
  const script = `${bash}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _laminate; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", "laminate", ...words], { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, flags after a command, and files where they are meant", () => {
  expect(offered("bu")).toEqual(["build", "builder"]);
  expect(offered("--root", "/x", "hist")).toEqual(["history"]);
  expect(offered("help", "lo")).toEqual(expect.arrayContaining(["login", "logout", "load", "logs"]));
  expect(offered("sys")).toEqual(["system"]);
  expect(offered("system", "")).toEqual(["prune", "df"]);
  expect(offered("image", "prune", "--fi")).toEqual(["--filter"]);
  expect(offered("build", "--no")).toEqual(["--no-cache"]);
  expect(offered("build", "--file", "/etc/passw")).toContain("/etc/passwd");
});

test.each(["bash", "zsh", "fish"] as const)("%s reads its script without complaint", async (shell) => {
  const script = COMPLETIONS[shell](await describeCommands());
  const { error, status, stderr } = spawnSync(shell, ["-n"], { input: script, encoding: "utf8" });
  if (error === undefined) expect({ status, stderr }).toEqual({ status: 0, stderr: "" }); // where the shell is installed
  for (const word of NAMES.flatMap((name) => name.split(" "))) expect(script).toContain(word);
});
