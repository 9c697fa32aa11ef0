import type { Digest, DiffId } from "../../oci/digest.ts";
import type { Store } from "../store.ts";
import { reachable } from "./reachable.ts";
import { layerBytes } from "./bytes.ts";

export interface CollectOptions {
  /** The layers of containers, as they are when this is called. */
  readonly containerLayers: () => Iterable<DiffId>;
  /** Takes images and records away first, in the same transaction. */
  readonly forget?: () => void;
  /** Of what nothing needs, only these. */
  readonly only?: ReadonlySet<string>;
  /** Removes a tree whoever owns its files. */
  readonly removeTree: (path: string) => Promise<void>;
}

export interface Collected {
  readonly layers: ReadonlySet<DiffId>;
  /** Bytes of the disk. */
  readonly bytes: number;
}

/** Partial downloads that nobody went on with for a day. */
const PARTIAL_AGE = 86_400_000;

/**
 * Frees what nothing needs. Deciding and taking away are one transaction, and a layer goes by a single rename, so a
 * process killed here leaves a whole store; what it had not yet deleted lies in its scratch space.
 */
export async function collect(store: Store, options: CollectOptions): Promise<Collected> {
  const { taken, bytes } = store.urgently(() => {
    options.forget?.();
    return take(store, options);
  });
  let sum = bytes;
  for (const { place } of taken) {
    sum += await layerBytes(place);
    await options.removeTree(place);
  }
  return { layers: new Set(taken.map(({ layer }) => layer)), bytes: sum };
}

function take(store: Store, { containerLayers, only }: CollectOptions): { readonly taken: readonly { readonly layer: DiffId; readonly place: string }[]; readonly bytes: number } {
  const needed = reachable(store, containerLayers());
  const goes = (digest: Digest) => !needed.has(digest) && (only === undefined || only.has(digest));
  const blobsOf = store.layers.list().filter(goes).flatMap((layer) => store.layers.blobs(layer).map(({ digest }) => digest));
  const taken = store.layers.list().filter(goes).flatMap((layer) => {
    const place = store.layers.detach(layer);
    return place === undefined ? [] : [{ layer, place }];
  });
  const blobs = new Set([...store.content.list().filter(goes), ...blobsOf.filter((digest) => !needed.has(digest))]);
  let bytes = 0;
  for (const digest of blobs) {
    bytes += store.content.size(digest) ?? 0;
    store.content.remove(digest);
  }
  store.records.forget(new Set<string>(taken.map(({ layer }) => layer)));
  if (only === undefined) {
    store.content.removePartials(Date.now(), PARTIAL_AGE);
  }
  return { taken, bytes };
}
