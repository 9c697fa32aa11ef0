import { isUp, stateOf, type Container, type ContainerState } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import type { Laminate } from "./laminate.ts";

export interface ListedContainer {
  readonly container: Container;
  readonly state: ContainerState;
}

/** The containers that run, or all, the newest first. */
export function ps({ store }: Pick<Laminate, "store">, { all }: { readonly all: boolean }): ListedContainer[] {
  const found = new Containers(store.root).list().map((container) => ({ container, state: stateOf(container) }));
  return all ? found : found.filter(({ state }) => isUp(state));
}
