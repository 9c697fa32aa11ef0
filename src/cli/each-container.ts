import type { Laminate } from "../api/laminate.ts";
import type { CommandContext } from "./command.ts";

/** Does something with each container named and prints its name, or what the deed gives; one's failure does not keep the others. Gives the exit code. */
export async function eachContainer(context: CommandContext, names: readonly string[], act: (laminate: Laminate, name: string) => Promise<string | void> | string | void): Promise<number> {
  const { open } = await import("./open-laminate.ts");
  await using laminate = await open(context);
  let failed = false;
  for (const name of names) {
    try {
      context.stdout.write(`${(await act(laminate, name)) ?? name}\n`);
    } catch (error) {
      context.signal.throwIfAborted();
      failed = true;
      context.stderr.write(`laminate: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return failed ? 1 : 0;
}
