import { existsSync } from "node:fs";
import { isUp, stateOf } from "../containers/container.ts";
import { ContainerError } from "../containers/container-error.ts";
import { Containers } from "../containers/containers.ts";
import { startContainer, type StartOptions } from "../containers/start-container.ts";
import type { Laminate } from "./laminate.ts";

export interface StartRequest {
  readonly container: string;
  /** In the foreground: whether our standard input is its, and the bytes that leave it alone. */
  readonly attach?: { readonly stdin: boolean; readonly detachKeys: readonly number[] };
}

/** Starts a container that does not run; resolves to its exit code, or in the background to 0 when it runs. One that runs is left as it is. */
export async function start(laminate: Laminate, { container: name, attach }: StartRequest, hooks: Pick<StartOptions, "signal" | "proxy" | "onNotice">): Promise<number> {
  const { store, sandbox, env } = laminate;
  const containers = new Containers(store.root);
  const container = containers.find(name);
  const state = stateOf(container);
  if (state.status === "paused") throw new ContainerError("running", "cannot start a paused container, try unpause instead");
  if (isUp(state)) {
    if (attach === undefined) return 0;
    const { attach: join } = await import("./attach.ts");
    return await join(laminate, { container: name, ...attach }, hooks);
  }
  const { terminal, openStdin } = container.record;
  const code = await startContainer(container, { store, sandbox, containers, env }, { signal: hooks.signal, ...(hooks.onNotice === undefined ? {} : { onNotice: hooks.onNotice }), ...(hooks.proxy === undefined ? {} : { proxy: hooks.proxy }), ...(attach === undefined ? {} : { attach: { ...attach, stdin: attach.stdin && openStdin, terminal } }) });
  if (!existsSync(container.directory)) containers.release(container);
  return code;
}
