import type { CommandContext } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** What `--env-file` and `--env` set, in that order: `NAME=value`, or `NAME` with our own value; one that we have not is not set. */
export async function environment(files: readonly string[], lines: readonly string[], { cwd, env }: Pick<CommandContext, "cwd" | "env">): Promise<string[]> {
  return [...(await fromFiles(files, cwd)), ...lines].flatMap((line) => (line.includes("=") ? [line] : env[line] === undefined ? [] : [`${line}=${env[line]}`]));
}

async function fromFiles(files: readonly string[], cwd: string): Promise<string[]> {
  const [{ readFile }, { resolve }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const texts = await Promise.all(
    files.map((file) =>
      readFile(resolve(cwd, file), "utf8").catch((error: Error) => {
        throw new UsageError("bad-value", `--env-file: open ${file}: ${error.message}`);
      }),
    ),
  );
  return texts.flatMap((text) => text.split("\n").map((line) => line.replace(/\r$/, "").trimStart()).filter((line) => line !== "" && !line.startsWith("#")));
}
