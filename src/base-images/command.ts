import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { errnoOf } from "../base/failure.ts";
import { findCommand } from "../sandbox/search-path.ts";
import { BaseImageFailure } from "./base-error.ts";

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Starts a command and gives its standard output as a stream; `done` settles when it has ended, and fails when it failed. */
export function startCommand(argv: readonly string[], options: CommandOptions): { readonly output: AsyncIterable<Buffer>; readonly done: Promise<void> } {
  const child = spawn(findCommand(argv[0]!, options.env) ?? argv[0]!, argv.slice(1), {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: "SIGTERM" as const }),
  });
  let last = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    last = `${last}${line}\n`.slice(-4096);
    if (line.trim() !== "") options.onLine?.(line.trimEnd());
  });
  const done = new Promise<void>((resolve, reject) => {
    child.on("error", (error) => reject(errnoOf(error) === "ENOENT" ? missing(argv[0]!) : error));
    child.on("close", (code) => (code === 0 ? resolve() : reject(failed(argv[0]!, code, last))));
  });
  done.catch(() => undefined);
  return { output: child.stdout, done };
}

/** Runs a command to its end and returns what it wrote. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<string> {
  const { output, done } = startCommand(argv, options);
  const chunks: Buffer[] = [];
  for await (const chunk of output) {
    chunks.push(chunk);
  }
  await done;
  return Buffer.concat(chunks).toString("utf8");
}

function missing(command: string): BaseImageFailure {
  return new BaseImageFailure("missing-command", `start "${command}": it is not installed`, { hint: `install it: apt-get install ${command === "apt-config" ? "apt" : command}` });
}

function failed(command: string, code: number | null, last: string): BaseImageFailure {
  const lines = last.trim().split("\n").filter((line) => /^E:|^W:|error|fail/i.test(line));
  const shown = (lines.length > 0 ? lines : last.trim().split("\n")).slice(-5).join("\n  ");
  return new BaseImageFailure("bootstrap-failed", `run "${command}": it ended with ${code ?? "a signal"}:\n  ${shown}`);
}
