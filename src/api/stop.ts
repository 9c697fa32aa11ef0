import { Containers } from "../containers/containers.ts";
import { stopContainer } from "../containers/inside.ts";
import type { Laminate } from "./laminate.ts";

/** Ends a container: its stop signal, and after `seconds` SIGKILL. One that does not run is left as it is. */
export async function stop({ store }: Pick<Laminate, "store">, { container, seconds }: { readonly container: string; readonly seconds: number }): Promise<void> {
  await stopContainer(new Containers(store.root).find(container), seconds);
}
