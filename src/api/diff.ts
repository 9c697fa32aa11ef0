import { pathText, type BytePath } from "../base/byte-path.ts";
import type { Entry } from "../store/layers/entry.ts";
import { sameFacts } from "../store/layers/same-entry.ts";
import { Tree, type TreeEntry } from "../store/layers/tree.ts";
import type { WithStore } from "./image-view.ts";

/** A path that is not the same in two images. */
export interface ImageChange {
  readonly kind: "added" | "changed" | "deleted";
  readonly path: string;
  /** What of it differs, where it is in both: content, type, mode, owner, link, attributes, device; with what it was and is, where that is a word. */
  readonly what: readonly Difference[];
  /** Bytes in either. */
  readonly before?: number;
  readonly after?: number;
}

/** A fact that is not the same in two images. */
export interface Difference {
  readonly fact: "content" | "type" | "mode" | "owner" | "link" | "device" | "attributes";
  readonly before?: string;
  readonly after?: string;
}

/** What differs between the files of two images, times aside, by their layers' indexes. Throws StoreFailure `no-such-image`. */
export async function diff({ store }: WithStore, options: { readonly before: string; readonly after: string }): Promise<ImageChange[]> {
  const [before, after] = await Promise.all([options.before, options.after].map((image) => treeOf({ store }, image)));
  const paths = new Map<BytePath, { before?: TreeEntry; after?: TreeEntry }>();
  for (const found of before!.walk()) paths.set(found.entry.path, { before: found });
  for (const found of after!.walk()) paths.set(found.entry.path, { ...paths.get(found.entry.path), after: found });
  const sorted = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([path, found]): ImageChange[] => {
    const [then, now] = [plain(before!, found.before), plain(after!, found.after)];
    const place = `/${pathText(path)}`;
    if (then === undefined) return [{ kind: "added", path: place, what: [], after: now!.size }];
    if (now === undefined) return [{ kind: "deleted", path: place, what: [], before: then.size }];
    return sameFacts(then, now) ? [] : [{ kind: "changed", path: place, what: differences(then, now), before: then.size, after: now.size }];
  });
}

async function treeOf({ store }: WithStore, image: string): Promise<Tree> {
  const { rootfs } = await store.images.config(store.images.find(image));
  return new Tree(await Promise.all(rootfs.diff_ids.map(async (diffId) => ({ diffId, index: await store.layers.index(diffId) }))));
}

/** A hard link as the file that it is; whether a directory was marked says nothing of what is in it. */
function plain(tree: Tree, found: TreeEntry | undefined): Entry | undefined {
  if (found === undefined) return undefined;
  const { opaque: _opaque, ...entry } = found.entry.type === "hardlink" ? { ...tree.hardLinkTarget(found).entry, path: found.entry.path } : found.entry;
  return entry;
}

function differences(a: Entry, b: Entry): Difference[] {
  if (a.type !== b.type) return [{ fact: "type", before: a.type, after: b.type }];
  const facts: readonly (readonly [Difference["fact"], (entry: Entry) => string])[] = [
    ["mode", ({ mode }) => mode.toString(8)],
    ["owner", ({ uid, gid }) => `${uid}:${gid}`],
    ["link", ({ link = "" }) => pathText(link)],
    ["device", ({ major = 0, minor = 0 }) => `${major}:${minor}`],
  ];
  const content: Difference[] = a.digest === b.digest ? [] : [{ fact: "content" }];
  const found = [...content, ...facts.map(([fact, of]): Difference => ({ fact, before: of(a), after: of(b) })).filter(({ before, after }) => before !== after)];
  return found.length === 0 ? [{ fact: "attributes" }] : found;
}
