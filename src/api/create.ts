import { existsSync, writeFileSync } from "node:fs";
import { nearest, nearestHint } from "../base/nearest.ts";
import { ContainerError } from "../containers/container-error.ts";
import type { Container } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { containerRecord, type RunOptions } from "../containers/run-options.ts";
import type { EventSink } from "../events/build-event.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { formatPlatform, goArchitecture, parsePlatform, type Platform } from "../oci/platform.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { StoreFailure } from "../store/store-error.ts";
import type { Laminate } from "./laminate.ts";

export interface CreateRequest extends RunOptions {
  /** A name or ID. */
  readonly image: string;
  readonly name?: string;
  readonly pull: "missing" | "always" | "never";
  readonly platform?: string;
  /** A file that must not be there yet, for the container's ID. */
  readonly cidfile?: string;
}

export interface CreateHooks {
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** Told before an image is pulled. */
  readonly onMissing: (image: string, near: string | undefined) => void;
  readonly onWarning: (message: string) => void;
}

/** Makes a container of an image, which is pulled when it is not here; it is not started. */
export async function create(laminate: Laminate, request: CreateRequest, hooks: CreateHooks): Promise<Container> {
  const { cidfile } = request;
  if (cidfile !== undefined && existsSync(cidfile)) {
    throw new ContainerError("bad-option", `container ID file found, make sure the other container isn't running or delete ${cidfile}`);
  }
  const { image, config } = await findImage(laminate, request, hooks);
  // Until the container's own record names them.
  laminate.store.leases.hold(...config.rootfs.diff_ids);
  const container = new Containers(laminate.store.root).create(containerRecord({ id: image.id, name: request.image, config }, request), request.name);
  if (cidfile !== undefined) writeFileSync(cidfile, container.id);
  return container;
}

async function findImage(laminate: Laminate, request: CreateRequest, hooks: CreateHooks): Promise<{ readonly image: ImageRecord; readonly config: ImageConfig }> {
  const { image: name, pull: policy } = request;
  const platform = request.platform === undefined ? undefined : platformOf(request.platform);
  const local = policy === "always" ? undefined : await localImage(laminate, name);
  if (local !== undefined && (platform === undefined || fits(local.config, platform))) {
    if (platform === undefined) warnOfOther(local.config, hooks);
    return local;
  }
  if (policy === "never") {
    if (local === undefined) throw new ContainerError("bad-option", `No such image: ${name}`, nearestHint(name, laminate.store.images.namesLike(name)));
    throw new ContainerError("bad-option", `image with reference ${name} was found but its platform (${formatPlatform(local.config)}) does not match the specified platform (${formatPlatform(platform!)})`);
  }
  if (policy === "missing") hooks.onMissing(name, nearest(name, laminate.store.images.namesLike(name)));
  const { pull } = await import("./pull.ts");
  const { image } = await pull(laminate, { reference: name, ...(request.platform === undefined ? {} : { platform: request.platform }) }, hooks);
  return { image, config: await laminate.store.images.config(image) };
}

async function localImage({ store }: Laminate, name: string): Promise<{ readonly image: ImageRecord; readonly config: ImageConfig } | undefined> {
  try {
    const image = store.images.find(name);
    return { image, config: await store.images.config(image) };
  } catch (error) {
    if (error instanceof StoreFailure && error.code === "no-such-image") return undefined;
    throw error;
  }
}

function platformOf(text: string): Platform {
  const platform = parsePlatform(text);
  if (platform === undefined) throw new ContainerError("bad-platform", `--platform: ${JSON.stringify(text)} is not a platform`, { hint: "as in linux/amd64, linux/arm64 or linux/arm/v7" });
  return platform;
}

function fits(own: ImageConfig, wanted: Platform): boolean {
  return own.os === wanted.os && own.architecture === wanted.architecture && (wanted.variant === undefined || own.variant === undefined || own.variant === wanted.variant);
}

/** As docker: it may still work, through an emulator that the kernel knows (binfmt_misc). */
function warnOfOther(config: ImageConfig, { onWarning }: CreateHooks): void {
  const host: Platform = { os: "linux", architecture: goArchitecture(process.arch) };
  const isOwn = fits(config, host) || (host.architecture === "amd64" && config.os === "linux" && config.architecture === "386");
  if (!isOwn) onWarning(`The requested image's platform (${formatPlatform(config)}) does not match the detected host platform (${formatPlatform(host)}) and no specific platform was requested`);
}
