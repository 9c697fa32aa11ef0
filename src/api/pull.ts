import type { EventSink } from "../events/build-event.ts";
import { formatPlatform, goArchitecture, parsePlatform } from "../oci/platform.ts";
import { familiarReference, parseReference } from "../oci/reference.ts";
import { Session } from "../registry/session.ts";
import { pullImage, type PulledImage } from "../transfer/pull-image.ts";
import { RequestFailure } from "./api-error.ts";
import { sayRetry } from "./say-retry.ts";
import type { Laminate } from "./laminate.ts";

export interface PullOptions {
  readonly reference: string;
  /** `os/architecture`; by default this machine's. */
  readonly platform?: string;
  /** Accept plain HTTP and unknown certificates from the registry. */
  readonly insecure?: boolean;
}

/** Brings an image from its registry into the store. Throws RegistryFailure, TransferFailure or StoreFailure; no part of a failed pull is named. */
export async function pull({ store, env }: Pick<Laminate, "store" | "env">, options: PullOptions, { events, signal }: { readonly events: EventSink; readonly signal: AbortSignal }): Promise<PulledImage> {
  const reference = parseReference(options.reference);
  const platform = parsePlatform(options.platform ?? `linux/${goArchitecture(process.arch)}`);
  if (platform === undefined) {
    throw new RequestFailure("bad-name", `pull: ${JSON.stringify(options.platform)} is not a platform`, { hint: "as in linux/amd64, linux/arm64 or linux/arm/v7" });
  }
  using session = new Session(reference.registry, { env, insecure: options.insecure, retries: { onRetry: sayRetry(events) } });
  return await pullImage(session, store, reference, {
    platform,
    signal,
    onOtherPlatform: (own) => events({ type: "warning", message: `${familiarReference(reference)} is for ${own}, not for ${formatPlatform(platform)}`, time: Date.now() }),
    onProgress: (blob, current, done) => events({ type: "progress", id: 0, item: blob.digest, current, total: blob.size, done, time: Date.now() }),
  });
}
