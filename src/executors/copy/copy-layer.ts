import { type Digest, type DiffId, isDigest } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { layerIdentity } from "../../store/layers/identity.ts";
import type { Located } from "../../store/layers/located.ts";
import type { Store } from "../../store/store.ts";
import type { FileSource } from "../value.ts";
import type { MadeLayer } from "../made-layer.ts";
import { spooled } from "../spooled.ts";
import type { PlannedEntry } from "./plan.ts";

const TABLE = "copy-layers";

export interface CopyLayerOptions {
  /** A layer that it may have much in common with. */
  readonly earlier?: DiffId | undefined;
  readonly signal: AbortSignal;
}

/** A layer that is to be, all its contents hashed; with what it says, times aside. */
export interface PlannedLayer {
  readonly planned: readonly PlannedEntry[];
  readonly entries: readonly Entry[];
  readonly identity: Digest;
}

/** Hashes the contents of planned entries. */
export async function plannedLayer(undigested: readonly PlannedEntry[]): Promise<PlannedLayer> {
  const planned = await withDigests(undigested);
  const entries = planned.map(({ entry }) => entry);
  return { planned, entries, identity: layerIdentity(entries) };
}

/** The layer that says what this one would, times aside, where the store has known one. Changes nothing. */
export function likeLayer({ identity }: PlannedLayer, { records }: Pick<Store, "records">): DiffId | undefined {
  return records.get(TABLE, identity, isDigest) as DiffId | undefined;
}

/** The same, if it is still here; it stays while this build goes on. */
export function knownLayer(layer: PlannedLayer, store: Store): DiffId | undefined {
  const known = likeLayer(layer, store);
  if (known === undefined) return undefined;
  store.leases.hold(known);
  return store.layers.has(known) ? known : undefined;
}

/** The layer that was planned: a known one, else a new one composed of the sources' contents. */
export async function copyLayer(layer: PlannedLayer, store: Store, { earlier, signal }: CopyLayerOptions): Promise<MadeLayer> {
  const known = knownLayer(layer, store);
  if (known !== undefined) return { diffId: known };
  const { planned, entries, identity } = layer;
  const diffId = await store.layers.compose({ entries, identity, locate: (places) => placesOf(places.map((place) => planned[place]!), store), signal, ...(earlier === undefined ? {} : { earlier }) });
  return { diffId, record: { table: TABLE, key: identity } };
}

/** The entries with the digests of their contents, each source asked once for all of its files. */
async function withDigests(planned: readonly PlannedEntry[]): Promise<readonly PlannedEntry[]> {
  const digests = new Map<PlannedEntry, Digest>();
  const unknown = planned.filter(({ entry, content }) => content !== undefined && entry.digest === undefined);
  for (const [source, files] of bySource(unknown)) {
    const found = await source.digests(files.map(({ content }) => content!.entry));
    files.forEach((file, place) => digests.set(file, found[place]!));
  }
  if (digests.size === 0) return planned;
  return planned.map((one) => {
    const digest = digests.get(one);
    return digest === undefined ? one : { ...one, entry: { ...one.entry, digest } };
  });
}

/** The places of files' contents; what lies nowhere in one piece is written down first. */
async function placesOf(planned: readonly PlannedEntry[], store: Store): Promise<Located[]> {
  const places = new Map<PlannedEntry, Located>();
  for (const [source, files] of bySource(planned)) {
    const found = await source.locate(files.map(({ content }) => content!.entry));
    for (const [place, file] of files.entries()) {
      places.set(file, found[place] ?? (await spooled(source.read(file.content!.entry), store)));
    }
  }
  return planned.map((one) => places.get(one)!);
}

function bySource(planned: readonly PlannedEntry[]): ReadonlyMap<FileSource, PlannedEntry[]> {
  const groups = new Map<FileSource, PlannedEntry[]>();
  for (const one of planned) {
    if (one.content === undefined) continue;
    const group = groups.get(one.content.source);
    if (group === undefined) groups.set(one.content.source, [one]);
    else group.push(one);
  }
  return groups;
}
