import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { failureExitCode } from "../containers/container-error.ts";
import { stateOf } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { untilEnded } from "../containers/inside.ts";
import { launchFiles } from "../containers/launch-plan.ts";
import { shareLock } from "../sys/files.ts";
import type { Laminate } from "./laminate.ts";

/** Waits until a container does not run; gives its exit code: 137 when nobody recorded it. */
export async function wait({ store }: Pick<Laminate, "store">, name: string, signal: AbortSignal): Promise<number> {
  const container = new Containers(store.root).find(name);
  const watch = container.record.autoRemove ? watched(container.directory) : undefined;
  try {
    await untilEnded(container, Infinity, signal);
    const state = stateOf(container);
    if (state.status === "created") return state.failure === undefined ? 0 : failureExitCode(state.failure.code);
    return state.status === "exited" ? state.exitCode : 137;
  } finally {
    if (watch !== undefined) closeSync(watch);
  }
}

/** Keeps a container that is removed at its end until we have seen how it ended. */
function watched(directory: string): number | undefined {
  try {
    const file = openSync(join(directory, launchFiles.watched), "r");
    shareLock(file);
    return file;
  } catch {
    return undefined; // it was never started, or is being removed
  }
}
