import { ContainerError } from "../containers/container-error.ts";
import { isUp, stateOf } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { killContainer } from "../containers/inside.ts";
import { removeContainer } from "../containers/remove-container.ts";
import type { Laminate } from "./laminate.ts";

/** Removes a container; one that runs only with `force`, which kills it first. */
export async function rm({ store, sandbox, env }: Pick<Laminate, "store" | "sandbox" | "env">, { container: name, force }: { readonly container: string; readonly force: boolean }): Promise<void> {
  const containers = new Containers(store.root);
  const container = containers.find(name);
  if (isUp(stateOf(container))) {
    if (!force) {
      throw new ContainerError("running", `cannot remove container "/${container.record.name}": container is running: stop the container before removing or force remove`);
    }
    await killContainer(container);
  }
  await removeContainer(container, containers, sandbox, env);
}
