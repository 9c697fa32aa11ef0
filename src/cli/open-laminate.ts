import type { Laminate } from "../api/laminate.ts";
import type { CommandContext } from "./command.ts";

/** Opens the store that the command line chose; loaded only by commands that need one. */
export async function open({ env, root }: CommandContext): Promise<Laminate> {
  const { openLaminate } = await import("../api/laminate.ts");
  return await openLaminate({ env, ...(root === undefined ? {} : { root }) });
}
