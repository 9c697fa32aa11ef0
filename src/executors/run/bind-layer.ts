import { parentPath, type BytePath } from "../../base/byte-path.ts";
import type { DiffId, Digest } from "../../oci/digest.ts";
import { stepKey } from "../../solver/step-key.ts";
import type { Store } from "../../store/store.ts";
import { copyLayer, plannedLayer } from "../copy/copy-layer.ts";
import { linkSameFiles, type PlannedEntry } from "../copy/plan.ts";
import type { FileSource, SourceEntry } from "../value.ts";

const VERSION = 1;

export interface BindLayerOptions {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/**
 * The files of a build context at and below one entry as a layer, at their own paths, so that they can be mounted with
 * what an ignore file leaves out missing. It is a record of the build cache: the same files are written down once.
 */
export async function bindLayer(source: FileSource, top: SourceEntry, files: Digest, { store, now, signal }: BindLayerOptions): Promise<DiffId> {
  const { key } = stepKey("bind", VERSION, { path: top.entry.path, files });
  const known = store.cache.step(key);
  if (known !== undefined) {
    store.leases.hold(known.layer);
    if (store.layers.has(known.layer)) {
      store.cache.touchStep(key, now);
      return known.layer;
    }
  }
  const { diffId, record } = await copyLayer(await plannedLayer(planned(source, top)), store, { signal });
  await store.layers.settled(diffId);
  store.cache.putStep(key, { layer: diffId, created: new Date(now).toISOString() });
  if (record !== undefined) store.records.put(record.table, record.key, diffId);
  return diffId;
}

function planned(source: FileSource, top: SourceEntry): PlannedEntry[] {
  const entries = new Map<BytePath, PlannedEntry>();
  for (let path = top.entry.path; path !== ""; ) {
    path = parentPath(path);
    const parent = source.get(path);
    if (parent !== undefined) entries.set(path, { entry: parent.entry });
  }
  add(source, top, entries);
  return linkSameFiles([...entries.values()].sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1)));
}

function add(source: FileSource, { entry, inode }: SourceEntry, entries: Map<BytePath, PlannedEntry>): void {
  const content = entry.type === "file" ? { content: { source, entry } } : {};
  entries.set(entry.path, { entry, ...content, ...(inode === undefined ? {} : { inode }) });
  if (entry.type !== "directory") return;
  for (const child of source.children(entry.path)) add(source, child, entries);
}
