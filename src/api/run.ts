import { existsSync } from "node:fs";
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
}

/** Makes a container of an image and starts it; resolves to its exit code, or in the background to 0 and its ID. One that cannot be started is kept, unless it is to be removed at its end. */
export async function run(laminate: Laminate, request: RunRequest, hooks: RunHooks): Promise<{ readonly id: string; readonly exitCode: number }> {
  const { store, sandbox, env } = laminate;
  const container = await create(laminate, request, hooks);
  const containers = new Containers(store.root);
  try {
    const { interactive: stdin, terminal, attach } = request;
    const options = { signal: hooks.signal, ...(hooks.proxy === undefined ? {} : { proxy: hooks.proxy }), ...(attach === undefined ? {} : { attach: { ...attach, stdin, terminal } }) };
    const exitCode = await startContainer(container, { store, sandbox, containers, env }, options);
    if (request.autoRemove && !existsSync(container.directory)) containers.release(container);
    return { id: container.id, exitCode };
  } catch (error) {
    if (request.autoRemove && stateOf(container).status === "created") await removeContainer(container, containers, sandbox).catch(() => undefined);
    throw error;
  }
}
