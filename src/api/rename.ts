import { Containers } from "../containers/containers.ts";
import type { Laminate } from "./laminate.ts";

/** Gives a container another name. Throws ContainerError when that is bad or taken. */
export function rename({ store }: Pick<Laminate, "store">, { container, name }: { readonly container: string; readonly name: string }): void {
  const containers = new Containers(store.root);
  containers.rename(containers.find(container), name);
}
