import { existsSync } from "node:fs";
import { ContainerError } from "../containers/container-error.ts";
import { stateOf } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { removeContainer } from "../containers/remove-container.ts";
import { startContainer, type StartOptions } from "../containers/start-container.ts";
import { create, type CreateHooks, type CreateRequest } from "./create.ts";
import type { Laminate } from "./laminate.ts";

export interface RunRequest extends CreateRequest {
  /** The bytes that leave a container in the foreground alone; undefined for one in the background. */
  readonly attach?: { readonly detachKeys: readonly number[] };
}

export interface RunHooks extends CreateHooks {
  readonly proxy?: StartOptions["proxy"];
  /** Told, as lines, what the user should know of a container in the background: that it has the host's network, and why. */
  readonly onNotice?: StartOptions["onNotice"];
}

/** Makes a container of an image and starts it; resolves to its exit code, or in the background to 0 and its ID. One that cannot be started is kept, unless it is to be removed at its end. */
export async function run(laminate: Laminate, request: RunRequest, hooks: RunHooks): Promise<{ readonly id: string; readonly exitCode: number }> {
  const { store, sandbox, env } = laminate;
  const container = await create(laminate, request, hooks);
  const containers = new Containers(store.root);
  try {
    const { interactive: stdin, terminal, attach } = request;
    const options = { signal: hooks.signal, ...(hooks.onNotice === undefined ? {} : { onNotice: hooks.onNotice }), ...(hooks.proxy === undefined ? {} : { proxy: hooks.proxy }), ...(attach === undefined ? {} : { attach: { ...attach, stdin, terminal } }) };
    const exitCode = await startContainer(container, { store, sandbox, containers, env }, options);
    if (request.autoRemove && !existsSync(container.directory)) containers.release(container);
    return { id: container.id, exitCode };
  } catch (error) {
    // docker keeps one whose port is taken; it could never be started as long as that is so.
    const isRemoved = request.autoRemove || (error instanceof ContainerError && error.code.startsWith("port-"));
    if (isRemoved && stateOf(container).status === "created") await removeContainer(container, containers, sandbox, env).catch(() => undefined);
    throw error;
  }
}
