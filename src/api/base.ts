import { makeBase } from "../base-images/make-base.ts";
import type { EventSink } from "../events/build-event.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { WithStore } from "./image-view.ts";

export interface BaseOptions {
  /** `debian:SUITE`, `ubuntu:SUITE` or `busybox`. */
  readonly name: string;
  /** Names for the image instead of `name`. */
  readonly tags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface BaseHooks {
  readonly events: EventSink;
  readonly signal?: AbortSignal;
}

/** Makes a base image from a distribution's signed packages, with no registry. */
export async function base({ store }: WithStore, { name, tags, env }: BaseOptions, { events, signal }: BaseHooks): Promise<ImageRecord> {
  const id = 1;
  const step = { id, name: `base ${name}` };
  events({ type: "step-started", ...step, time: Date.now() });
  try {
    const onLine = (line: string): void => events({ type: "step-log", id, stream: "stderr", data: `${line}\n`, time: Date.now() });
    const record = await makeBase(store, name, tags, { env, onLine, ...(signal === undefined ? {} : { signal }) });
    events({ type: "step-finished", ...step, time: Date.now() });
    return record;
  } catch (error) {
    events({ type: "step-failed", ...step, message: error instanceof Error ? error.message : String(error), time: Date.now() });
    throw error;
  }
}
