import { Containers } from "../containers/containers.ts";
import { signalContainer } from "../containers/inside.ts";
import type { Laminate } from "./laminate.ts";

/** Sends a signal (`KILL`, `SIGHUP`, `9`) to a running container's first process. */
export function kill({ store }: Pick<Laminate, "store">, { container, signal }: { readonly container: string; readonly signal: string }): void {
  signalContainer(new Containers(store.root).find(container), signal);
}
