import type { CreateHooks } from "../api/create.ts";
import type { CommandContext } from "./command.ts";

/** What `run` and `create` say while they look for an image; with `quiet` nothing but warnings. */
export async function pullHooks({ stderr, env, signal }: CommandContext, { quiet }: { readonly quiet: boolean | undefined }): Promise<CreateHooks> {
  const { TransferDisplay } = await import("./render/transfer.ts");
  const display = new TransferDisplay({ out: stderr, err: stderr, env, words: { going: "Downloading", done: "Pull complete" } });
  return {
    events: quiet === true ? () => {} : display.events,
    signal,
    onMissing: (name, near) => stderr.write(`Unable to find image '${name}' locally${near === undefined ? "" : `; did you mean ${near}?`}\n`),
    onWarning: (message) => stderr.write(`WARNING: ${message}\n`),
  };
}
