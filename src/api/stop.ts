import { Containers } from "../containers/containers.ts";
import { stopContainer } from "../containers/inside.ts";
import type { Laminate } from "./laminate.ts";

const SECONDS = 10;

/**
 * Ends a container: its stop signal or `signal`, and after `seconds`, by default the container's own, SIGKILL; a
 * negative number is no end of patience. One that does not run is left as it is.
 */
export async function stop({ store }: Pick<Laminate, "store">, options: { readonly container: string; readonly seconds?: number; readonly signal?: string }): Promise<void> {
  const container = new Containers(store.root).find(options.container);
  const { stopSignal, stopTimeout = SECONDS } = container.record;
  const seconds = options.seconds ?? stopTimeout;
  await stopContainer(container, { signal: options.signal ?? stopSignal, seconds: seconds < 0 ? Infinity : seconds });
}
