import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { Descriptor } from "../../oci/descriptor.ts";
import { digestOf, hexOf } from "../../oci/digest.ts";
import { parseManifest, type Untrusted } from "../../oci/image-json.ts";
import { MANIFEST_BYTES } from "../../registry/manifests.ts";
import { RegistryFailure } from "../../registry/registry-error.ts";
import type { Store } from "../../store/store.ts";
import { noCache, openCache, type CacheSource } from "../cache-source.ts";
import type { CacheDrop } from "../send-cache.ts";
import { TransferFailure } from "../transfer-error.ts";
import { actionsName, blobKey, listPrefix, type ActionsCache } from "./actions-keys.ts";
import { ActionsService, type ActionsAddress, type ActionsOptions } from "./actions-service.ts";

/** Entries of one version are seen by those who name it; it changes with the meaning of our entries. */
const VERSION = createHash("sha256").update("laminate build cache 1").digest("hex");
/** As many as BuildKit sends at a time. */
const AT_ONCE = 4;
/** Hex digits of a list's digest at the end of its key. */
const SHORT = 16;

/** Opens the youngest cache of a scope that the job may see: its branch's, else the base branch's. Throws RegistryFailure, TransferFailure or InvalidImage. */
export async function openActionsCache(store: Store, cache: ActionsCache, { signal, ...options }: ActionsOptions & { readonly signal: AbortSignal }): Promise<CacheSource> {
  const service = new ActionsService(addressOf(cache), VERSION, options);
  const limited = (stop: AbortSignal): AbortSignal => AbortSignal.any([stop, deadline(cache)]);
  try {
    const name = actionsName(cache);
    const stop = limited(signal);
    const entry = await service.find(listPrefix(cache), stop, listPrefix(cache));
    if (entry === undefined) throw noCache(name);
    const given: Untrusted = { what: `${name} (${entry.key})`, bytes: await service.read(entry, MANIFEST_BYTES, stop) };
    const blobs = { retries: service.retries, open: (blob: Descriptor, from: { readonly offset?: number; readonly signal: AbortSignal }) => service.open(blobKey(blob), blob.size, from) };
    const source = await openCache(name, parseManifest(given), { blobs, store, signal: stop, close: () => service[Symbol.dispose]() });
    return { ...source, fetch: (layer, until) => source.fetch(layer, limited(until)) };
  } catch (error) {
    service[Symbol.dispose]();
    throw error;
  }
}

/** Where a cache is written in the service. Its entries cannot be changed, so each list is a new one, unless it is the youngest already. Throws TransferFailure. */
export function actionsDrop(cache: ActionsCache, options: ActionsOptions): CacheDrop {
  const service = new ActionsService(addressOf(cache), VERSION, options);
  const end = deadline(cache);
  const limited = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, end]);
  return {
    atOnce: AT_ONCE,
    has: async (blob, signal) => (await service.find(blobKey(blob), limited(signal))) !== undefined,
    send: ({ blob, open, onProgress }, signal) => service.save({ key: blobKey(blob), size: blob.size, open, onProgress }, limited(signal)),
    async putManifest(manifest, signal) {
      const stop = limited(signal);
      const prefix = listPrefix(cache);
      const short = hexOf(digestOf(manifest)).slice(0, SHORT);
      const youngest = await service.find(prefix, stop, prefix);
      if (youngest?.key.endsWith(`-${short}`) === true) return;
      await service.save({ key: `${prefix}${Date.now()}-${short}`, size: manifest.length, open: () => Readable.from([manifest]), onProgress: () => undefined }, stop);
    },
    [Symbol.dispose]: () => service[Symbol.dispose](),
  };
}

function addressOf({ address }: ActionsCache): ActionsAddress {
  if (address !== undefined) return address;
  throw new TransferFailure("unsupported", "this is no job of GitHub Actions: ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN are not set", { hint: "a step of a workflow sees them by an action that exposes them, as crazy-max/ghaction-github-runtime" });
}

function deadline(cache: ActionsCache): AbortSignal {
  const end = new AbortController();
  const late = (): void => end.abort(new RegistryFailure("timeout", `${actionsName(cache)}: it took longer than ${cache.timeout / 1000} s`, { hint: "timeout=DURATION gives it more" }));
  setTimeout(late, cache.timeout).unref();
  return end.signal;
}
