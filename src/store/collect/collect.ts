import type { Digest, DiffId } from "../../oci/digest.ts";
import type { Store } from "../store.ts";
import { reachable } from "./reachable.ts";
import { freedBytes } from "./bytes.ts";
import { inodeAt } from "./walk.ts";

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
  const places = taken.map(({ place }) => place);
  const freed = bytes + freedBytes(places);
  for (const place of places) await options.removeTree(place);
  return { layers: new Set(taken.map(({ layer }) => layer)), bytes: freed };
}

/** What {@link collect} would free now; its `forget` is done and undone. Belongs into no transaction. */
export function wouldFree(store: Store, options: Pick<CollectOptions, "containerLayers" | "forget">): number {
  const undone = new Error("undone");
  let freed = 0;
  try {
    store.urgently(() => {
      options.forget?.();
      const { layers, blobs } = unneeded(store, options);
      freed = freedBytes([...layers.map((layer) => store.layers.place(layer)), ...[...blobs].map((digest) => store.content.path(digest))]);
      throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
  return freed;
}

function take(store: Store, options: CollectOptions): { readonly taken: readonly { readonly layer: DiffId; readonly place: string }[]; readonly bytes: number } {
  const { layers, blobs } = unneeded(store, options);
  const taken = layers.flatMap((layer) => {
    const place = store.layers.detach(layer);
    return place === undefined ? [] : [{ layer, place }];
  });
  let bytes = 0;
  for (const digest of blobs) {
    bytes += inodeAt(store.content.path(digest))?.bytes ?? 0;
    store.content.remove(digest);
  }
  store.records.forget(new Set<string>(taken.map(({ layer }) => layer)));
  if (options.only === undefined) {
    store.content.removePartials(Date.now(), PARTIAL_AGE);
  }
  return { taken, bytes };
}

function unneeded(store: Store, { containerLayers, only }: Pick<CollectOptions, "containerLayers" | "only">): { readonly layers: readonly DiffId[]; readonly blobs: ReadonlySet<Digest> } {
  const needed = reachable(store, containerLayers());
  const goes = (digest: Digest) => !needed.has(digest) && (only === undefined || only.has(digest));
  const layers = store.layers.list().filter(goes);
  const theirs = layers.flatMap((layer) => store.layers.blobs(layer).map(({ digest }) => digest));
  return { layers, blobs: new Set([...store.content.list().filter(goes), ...theirs.filter((digest) => !needed.has(digest))]) };
}
