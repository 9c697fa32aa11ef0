import { buffer } from "node:stream/consumers";
import { reasonOf } from "../base/failure.ts";
import type { BuildEvent, EventSink } from "../events/build-event.ts";
import { cacheImage, type CacheContent, type FarLayers } from "../exporters/cache-image.ts";
import type { CachedSelection, CachedStep } from "../oci/build-cache.ts";
import { parseReference } from "../oci/reference.ts";
import type { DiffId } from "../oci/digest.ts";
import { Session } from "../registry/session.ts";
import { pushImage, type PushOptions, type PushSource } from "../transfer/push-image.ts";
import type { ActionsCache } from "../transfer/actions/actions-keys.ts";
import type { ActionsOptions } from "../transfer/actions/actions-service.ts";
import type { CacheDrop } from "../transfer/send-cache.ts";
import type { BucketCache } from "../transfer/s3/bucket-keys.ts";
import type { BucketUpload } from "../transfer/s3/s3-cache.ts";
import { cacheName } from "./cache-name.ts";
import type { Laminate } from "./laminate.ts";
import { sayRetry } from "./say-retry.ts";
import type { TravellingMounts } from "./travelling-mounts.ts";

/** Where the steps of a build are kept for other machines (docker build --cache-to). With `max` all of them, else those of the image. */
export type CacheTo =
  | (FarTo & {
      /** Cache mounts go with it, each with no more bytes than that. */
      readonly mounts?: { readonly most: number };
    })
  /** In the image's own config. */
  | { readonly kind: "inline" };

type FarTo =
  | { readonly kind: "registry"; readonly reference: string; readonly max: boolean; readonly ignoreError: boolean; readonly insecure?: boolean }
  | { readonly kind: "local"; readonly directory: string; readonly tag: string; readonly max: boolean; readonly ignoreError: boolean }
  | ({ readonly kind: "s3"; readonly max: boolean; readonly ignoreError: boolean } & BucketCache & BucketUpload)
  | ({ readonly kind: "gha"; readonly max: boolean; readonly ignoreError: boolean } & ActionsCache);

/** Who is told how the caches are written. */
export interface CacheExportWatch {
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** An id that no step has; each cache has its own from there on. */
  readonly firstId: number;
}

/** Layers that may be in caches elsewhere, which may turn out to be broken: see CacheImports. */
export interface FarCaches extends FarLayers {
  has(layer: DiffId): boolean;
  withoutBroken(error: unknown): boolean;
}

/** Writes caches of steps; of layers that are `far`, only what a cache lacks is fetched. One with ignore-error that fails is a warning. */
export async function exportCaches(
  laminate: World,
  to: readonly CacheTo[],
  { steps, selections, image, far, mounts }: { readonly steps: readonly CachedStep[]; readonly selections: readonly CachedSelection[]; readonly image: readonly DiffId[]; readonly far: FarCaches; readonly mounts: Pick<TravellingMounts, "pack"> },
  { events, signal, firstId }: CacheExportWatch,
): Promise<void> {
  for (const [place, one] of to.entries()) {
    if (one.kind === "inline") continue;
    if (one.kind === "gha" && one.address === undefined) {
      // As with docker, so that one command holds for jobs and for people.
      events({ type: "warning", message: `--cache-to ${cacheName(one)} is left out: this is no job of GitHub Actions`, time: Date.now() });
      continue;
    }
    const id = firstId + place;
    const name = `exporting cache to ${cacheName(one)}`;
    const chosen = one.max ? steps : steps.filter(({ layer }) => image.includes(layer));
    events({ type: "step-started", id, name, time: Date.now() });
    try {
      const content = { steps: chosen, selections, mounts: one.mounts === undefined ? [] : await mounts.pack(one.mounts.most) };
      await writeWhatIsLeft(laminate, one, content, far, { events: (event) => events("id" in event ? ({ ...event, id } as BuildEvent) : event), signal });
      events({ type: "step-finished", id, name, time: Date.now() });
    } catch (error) {
      events(signal.aborted ? { type: "step-cancelled", id, name, time: Date.now() } : { type: "step-failed", id, name, message: reasonOf(error), time: Date.now() });
      if (signal.aborted || !one.ignoreError) throw error;
    }
  }
}

type World = Pick<Laminate, "store" | "env">;
type Written = Exclude<CacheTo, { readonly kind: "inline" }>;
type Watch = Pick<CacheExportWatch, "events" | "signal">;

/** Without what a cache elsewhere had promised and does not have. */
async function writeWhatIsLeft(laminate: World, to: Written, { steps, mounts, selections }: CacheContent, far: FarCaches, watch: Watch): Promise<void> {
  const left = ({ layer }: { readonly layer: DiffId }): boolean => laminate.store.layers.has(layer) || far.has(layer);
  for (;;) {
    try {
      return await write(laminate, to, { steps: steps.filter(left), mounts: mounts.filter(left), selections }, far, watch);
    } catch (error) {
      if (!far.withoutBroken(error)) throw error; // of so many caches each can fail once
    }
  }
}

async function write(laminate: World, to: Written, content: CacheContent, far: FarCaches, watch: Watch): Promise<void> {
  const { store } = laminate;
  const cache = await cacheImage(store, content, far);
  if (to.kind === "local") {
    const { writeOciDirectory } = await import("../exporters/oci-directory.ts");
    return await writeOciDirectory(to.directory, [{ image: cache, names: [parseReference(`cache:${to.tag}`)] }], watch.signal);
  }
  const config = await buffer(cache.config.open());
  await store.content.put(config);
  const source = { manifest: { mediaType: cache.manifest.descriptor.mediaType, bytes: await buffer(cache.manifest.open()) }, config: cache.config.descriptor, layers: cache.layers.map(({ descriptor }) => descriptor), fetch: fetchOf(store, content, far) };
  await send(laminate, to, source, watch);
}

/** Brings the layer of a blob that the cache lacks. */
function fetchOf(store: Laminate["store"], { steps, mounts }: CacheContent, far: FarLayers): NonNullable<PushSource["fetch"]> {
  const layers = [...steps, ...mounts].map(({ layer }) => layer);
  return async ({ digest }) => {
    if (!store.content.has(digest)) await far.ensure(layers.filter((layer) => far.blob(layer)?.digest === digest));
  };
}

async function send({ store, env }: World, to: Exclude<Written, { readonly kind: "local" }>, source: PushSource, { events, signal }: Watch): Promise<void> {
  const onRetry = sayRetry(events);
  const onProgress: PushOptions["onProgress"] = (blob, current, result) => events({ type: "progress", id: 0, item: blob.digest, current, total: blob.size, done: result !== undefined, time: Date.now() });
  if (to.kind === "registry") {
    const reference = parseReference(to.reference);
    using session = new Session(reference.registry, { env, insecure: to.insecure, retries: { onRetry } });
    return await pushImage(session, store, reference, source, { signal, sent: new Set(), onProgress });
  }
  const { sendCache } = await import("../transfer/send-cache.ts");
  using drop = await dropOf(to, { env, onRetry });
  await sendCache(drop, store, source, { signal, onProgress });
}

async function dropOf(to: Extract<Written, { readonly kind: "s3" | "gha" }>, options: ActionsOptions): Promise<CacheDrop> {
  if (to.kind === "s3") return (await import("../transfer/s3/s3-cache.ts")).bucketDrop(to, options);
  return (await import("../transfer/actions/actions-cache.ts")).actionsDrop(to, options);
}
