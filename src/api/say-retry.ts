import type { EventSink } from "../events/build-event.ts";
import type { RegistryFailure } from "../registry/registry-error.ts";

/** Tells the user why nothing moves for a while: what failed, and in how many seconds it is tried again. */
export function sayRetry(events: EventSink): (failure: RegistryFailure, ms: number) => void {
  return ({ message }, ms) => events({ type: "notice", message: `${message}; trying again in ${(ms / 1000).toFixed(1)} s`, time: Date.now() });
}
