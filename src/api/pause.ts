import { Containers } from "../containers/containers.ts";
import { setPaused } from "../containers/inside.ts";
import type { Laminate } from "./laminate.ts";

/** Stops all processes of a running container where they are, or lets them go on. Throws ContainerError. */
export async function pause({ store }: Pick<Laminate, "store">, { container, paused }: { readonly container: string; readonly paused: boolean }): Promise<void> {
  await setPaused(new Containers(store.root).find(container), paused);
}
