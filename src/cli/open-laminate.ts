import type { Laminate } from "../api/laminate.ts";
import type { CommandContext } from "./command.ts";

/** Opens the store that the command line chose; loaded only by commands that need one. */
export async function open({ env, root }: CommandContext, options: { readonly readOnly?: boolean } = {}): Promise<Laminate> {
  const { openLaminate } = await import("../api/laminate.ts");
  return await openLaminate({ env, ...(root === undefined ? {} : { root }), ...options });
}

/** As {@link open}, for what needs no store: where there is none, or a broken one, nothing is known of base images. */
export async function openWhereThereIsOne(context: CommandContext): Promise<Laminate | undefined> {
  const { storeRoot } = await import("../api/laminate.ts");
  const { existsSync } = await import("node:fs");
  const { env, root } = context;
  if (!existsSync(storeRoot({ env, ...(root === undefined ? {} : { root }) }))) return undefined;
  const { Failure } = await import("../base/failure.ts");
  try {
    return await open(context);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
