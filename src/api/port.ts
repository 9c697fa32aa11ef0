import { ContainerError } from "../containers/container-error.ts";
import { Containers } from "../containers/containers.ts";
import { runningOf } from "../containers/inside.ts";
import { parseExposed, type PortBinding } from "../containers/ports.ts";
import type { Laminate } from "./laminate.ts";

/** The published ports of a running container; only those of `port` (`80`, `53/udp`) when it is given. Throws ContainerError when it has none of that. */
export function port({ store }: Pick<Laminate, "store">, { container: name, port: wanted }: { readonly container: string; readonly port?: string }): readonly PortBinding[] {
  const container = new Containers(store.root).find(name);
  const { ports } = runningOf(container);
  if (wanted === undefined) return ports;
  const [one] = parseExposed(wanted);
  const found = ports.filter(({ containerPort, protocol }) => containerPort === one?.containerPort && protocol === one.protocol);
  if (found.length === 0) throw new ContainerError("no-such-port", `No public port '${wanted}' published for ${container.record.name}`);
  return found;
}
