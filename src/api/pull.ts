import type { EventSink } from "../events/build-event.ts";
import type { Digest } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { formatPlatform, goArchitecture, parsePlatform, type Platform } from "../oci/platform.ts";
import { familiarReference, parseReference, type Reference } from "../oci/reference.ts";
import { Session } from "../registry/session.ts";
import { findImage, pullFound, pullImage, type PulledImage, type PullOptions as TransferOptions } from "../transfer/pull-image.ts";
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

interface PullWatch {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** An image that a registry has, of which only the config is here. */
export interface FarImage {
  readonly config: ImageConfig;
  /** Its ID. */
  readonly id: Digest;
  /** Brings the rest, of that very image whatever the name stands for by then. */
  pull(): Promise<PulledImage>;
}

/** Brings an image from its registry into the store. Throws RegistryFailure, TransferFailure or StoreFailure; no part of a failed pull is named. */
export async function pull(laminate: Pick<Laminate, "store" | "env">, options: PullOptions, watch: PullWatch): Promise<PulledImage> {
  const { reference, platform } = wanted(options);
  using session = sessionFor(laminate, reference, options, watch);
  return await pullImage(session, laminate.store, reference, transferOptions(reference, platform, watch));
}

/** Finds an image in its registry without its layers. Throws as {@link pull}. */
export async function findFar(laminate: Pick<Laminate, "store" | "env">, options: PullOptions, watch: PullWatch): Promise<FarImage> {
  const { reference, platform } = wanted(options);
  const transfer = transferOptions(reference, platform, watch);
  using session = sessionFor(laminate, reference, options, watch);
  const found = await findImage(session, laminate.store, reference, transfer);
  return {
    config: found.config,
    id: found.manifest.config.digest,
    async pull() {
      using later = sessionFor(laminate, reference, options, watch);
      return await pullFound(later, laminate.store, reference, found, transfer);
    },
  };
}

function wanted(options: PullOptions): { readonly reference: Reference; readonly platform: Platform } {
  const reference = parseReference(options.reference);
  const platform = parsePlatform(options.platform ?? `linux/${goArchitecture(process.arch)}`);
  if (platform === undefined) {
    throw new RequestFailure("bad-name", `pull: ${JSON.stringify(options.platform)} is not a platform`, { hint: "as in linux/amd64, linux/arm64 or linux/arm/v7" });
  }
  return { reference, platform };
}

function sessionFor({ env }: Pick<Laminate, "env">, { registry }: Reference, { insecure }: PullOptions, { events }: PullWatch): Session {
  return new Session(registry, { env, insecure, retries: { onRetry: sayRetry(events) } });
}

function transferOptions(reference: Reference, platform: Platform, { events, signal }: PullWatch): TransferOptions {
  return {
    platform,
    signal,
    onOtherPlatform: (own) => events({ type: "warning", message: `${familiarReference(reference)} is for ${own}, not for ${formatPlatform(platform)}`, time: Date.now() }),
    onProgress: (blob, current, done) => events({ type: "progress", id: 0, item: blob.digest, current, total: blob.size, done, time: Date.now() }),
  };
}
