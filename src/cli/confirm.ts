import type { CommandContext } from "./command.ts";

/** Asks as docker does before something is removed for good; only `y` or `yes` is a yes. */
export async function confirmed({ stdin, stdout }: Pick<CommandContext, "stdin" | "stdout">, warning: string): Promise<boolean> {
  stdout.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  let line = "";
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    line += chunk.toString();
    if (line.includes("\n")) break;
  }
  return /^\s*y(es)?\s*(\n|$)/i.test(line);
}
