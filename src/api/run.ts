import { existsSync } from "node:fs";
import { ContainerError } from "../containers/container-error.ts";
import { stateOf } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { removeContainer } from "../containers/remove-container.ts";
import { containerRecord, type RunOptions } from "../containers/run-options.ts";
import { startContainer, type StartOptions } from "../containers/start-container.ts";
import type { EventSink } from "../events/build-event.ts";
import { StoreFailure } from "../store/store-error.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Laminate } from "./laminate.ts";

export interface RunRequest extends RunOptions {
  /** A name or ID. */
  readonly image: string;
  readonly name?: string;
  /** The bytes that leave a container in the foreground alone; undefined for one in the background. */
  readonly attach?: { readonly detachKeys: readonly number[] };
  readonly pull: "missing" | "always" | "never";
  readonly platform?: string;
}

export interface RunHooks {
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** Told before an image is pulled. */
  readonly onMissing: (image: string) => void;
  readonly proxy?: StartOptions["proxy"];
}

/** Makes a container of an image and starts it; resolves to its exit code, or in the background to 0 and its ID. */
export async function run(laminate: Laminate, request: RunRequest, hooks: RunHooks): Promise<{ readonly id: string; readonly exitCode: number }> {
  const { store, sandbox, env } = laminate;
  const image = await findImage(laminate, request, hooks);
  const config = await store.images.config(image);
  // Until the container's own record names them.
  store.leases.hold(...config.rootfs.diff_ids);
  const containers = new Containers(store.root);
  const container = containers.create(containerRecord({ id: image.id, name: request.image, config }, request), request.name);
  try {
    const { interactive: stdin, terminal } = request;
    const options = { signal: hooks.signal, ...(hooks.proxy === undefined ? {} : { proxy: hooks.proxy }), ...(request.attach === undefined ? {} : { attach: { ...request.attach, stdin, terminal } }) };
    const exitCode = await startContainer(container, { store, sandbox, containers, env }, options);
    if (request.autoRemove && !existsSync(container.directory)) containers.release(container);
    return { id: container.id, exitCode };
  } catch (error) {
    if (request.autoRemove && stateOf(container).status === "created") await removeContainer(container, containers, sandbox).catch(() => undefined);
    throw error;
  }
}

async function findImage(laminate: Laminate, { image, pull: policy, platform }: RunRequest, { events, signal, onMissing }: RunHooks): Promise<ImageRecord> {
  if (policy !== "always") {
    try {
      return laminate.store.images.find(image);
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.code !== "no-such-image") throw error;
      if (policy === "never") throw new ContainerError("bad-option", error.message);
      onMissing(image);
    }
  }
  const { pull } = await import("./pull.ts");
  return (await pull(laminate, { reference: image, ...(platform === undefined ? {} : { platform }) }, { events, signal })).image;
}
