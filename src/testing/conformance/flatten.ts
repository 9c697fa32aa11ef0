import type { TarHeader } from "../../archive/tar-header.ts";

/** A member of a layer with the bytes of a file. */
export interface LayerEntry {
  readonly header: TarHeader;
  readonly content: Buffer;
}

/** Paths, without a slash at either end, and what is there. Hard links are the same value. */
export type FlatTree = ReadonlyMap<string, LayerEntry>;

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** What layers make of an empty directory, lowest first (image-spec, layer.md, "Applying Changesets"). */
export function flatten(layers: readonly (readonly LayerEntry[])[]): FlatTree {
  const tree = new Map<string, LayerEntry>();
  for (const layer of layers) {
    for (const { header } of layer) hide(tree, pathOf(header.name));
    for (const entry of layer) put(tree, pathOf(entry.header.name), entry);
  }
  return tree;
}

/** Takes out what a whiteout hides; within a layer they come before what it adds, wherever they stand. */
function hide(tree: Map<string, LayerEntry>, path: string): void {
  const [parent, name] = split(path);
  if (name === OPAQUE) removeBelow(tree, parent);
  else if (name.startsWith(WHITEOUT)) remove(tree, `${parent}${name.slice(WHITEOUT.length)}`);
}

function put(tree: Map<string, LayerEntry>, path: string, entry: LayerEntry): void {
  if (split(path)[1].startsWith(WHITEOUT)) return;
  if (entry.header.type !== "directory") remove(tree, path);
  tree.set(path, entry.header.type === "hardlink" ? tree.get(pathOf(entry.header.link!))! : entry);
}

function remove(tree: Map<string, LayerEntry>, path: string): void {
  tree.delete(path);
  removeBelow(tree, `${path}/`);
}

function removeBelow(tree: Map<string, LayerEntry>, prefix: string): void {
  for (const path of tree.keys()) if (path.startsWith(prefix)) tree.delete(path);
}

function split(path: string): [parent: string, name: string] {
  const at = path.lastIndexOf("/") + 1;
  return [path.slice(0, at), path.slice(at)];
}

/** `./a/b/` and `/a/b` as `a/b`. */
function pathOf(name: string): string {
  return name.split("/").filter((part) => part !== "" && part !== ".").join("/");
}
