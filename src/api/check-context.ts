import type { Readable } from "node:stream";
import { openContext } from "../executors/context/build-context.ts";
import type { CheckInput } from "./check.ts";
import type { Laminate } from "./laminate.ts";

/** The Dockerfile and ignore file of whatever a build's context may be. Throws ExecuteError. */
export async function openCheckInput({ store, env }: Laminate, { context, file, cwd, stdin, signal }: { readonly context: string; readonly file?: string; readonly cwd: string; readonly stdin?: Readable; readonly signal: AbortSignal }): Promise<CheckInput> {
  const { dockerfile, ignore } = await openContext({ context, cwd, store, env, signal, ...(file === undefined ? {} : { file }), ...(stdin === undefined ? {} : { stdin }) });
  return { ...dockerfile, ...(ignore === undefined ? {} : { ignore }) };
}
