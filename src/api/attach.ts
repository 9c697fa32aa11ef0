import { ContainerError } from "../containers/container-error.ts";
import { pathIn } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { runningOf, signalContainer } from "../containers/inside.ts";
import type { StartOptions } from "../containers/start-container.ts";
import { Streams } from "../containers/worker/streams.ts";
import type { Laminate } from "./laminate.ts";
import { wait } from "./wait.ts";

export interface AttachRequest {
  readonly container: string;
  readonly stdin: boolean;
  readonly detachKeys: readonly number[];
}

/** Joins our standard streams to a running container's until it ends or we leave it; resolves to its exit code, or 0. */
export async function attach(laminate: Pick<Laminate, "store">, { container: name, stdin, detachKeys }: AttachRequest, { proxy, signal }: Pick<StartOptions, "signal" | "proxy">): Promise<number> {
  const container = new Containers(laminate.store.root).find(name);
  const { terminal, openStdin } = container.record;
  if (runningOf(container) && stdin && openStdin && terminal && !process.stdin.isTTY) throw new ContainerError("bad-option", "the input device is not a TTY");
  const ended = wait(laminate, name, signal);
  ended.catch(() => {}); // told below, when we still want to know
  const streams = new Streams(pathIn(container, "bundle"), { stdin: stdin && openStdin, terminal, detachKeys });
  const stop = proxy?.((said) => {
    const [what, first, second] = said.split(" ");
    if (what === "signal") signalContainer(container, first!);
    else streams.resize(Number(first), Number(second));
  });
  const leave = (): void => streams.close();
  signal.addEventListener("abort", leave, { once: true });
  try {
    const why = await streams.parted;
    signal.throwIfAborted();
    return why === "closed" ? await ended : why === "detached" ? 0 : 141;
  } finally {
    signal.removeEventListener("abort", leave);
    streams.close();
    stop?.();
  }
}
