import type { Readable, Writable } from "node:stream";
import path from "node:path";
import { Containers } from "../containers/containers.ts";
import { withContainerFiles } from "../containers/files/container-files.ts";
import { copyDestination, copySource, meansContents } from "../containers/files/destination.ts";
import { packTree } from "../containers/files/pack-tree.ts";
import { placeTree } from "../containers/files/place-tree.ts";
import type { Laminate } from "./laminate.ts";

export interface CpOptions {
  readonly container: string;
  /** In the container; relative to its root. */
  readonly path: string;
  /** Keep owners: else a copy belongs to root in a container and to us here. */
  readonly archive: boolean;
  /** Copy what a link names, not the link. */
  readonly followLink: boolean;
}

/** Copies from a container to an absolute path here, or as a tar to a stream (docker container cp). Throws ContainerError. */
export async function copyFromContainer(laminate: Laminate, options: CpOptions & { readonly to: string | Writable }, signal: AbortSignal): Promise<void> {
  const { to, archive, followLink } = options;
  const container = new Containers(laminate.store.root).find(options.container);
  const contents = meansContents(options.path);
  const base = path.posix.basename(path.posix.resolve("/", options.path)) || ".";
  const output =
    typeof to !== "string"
      ? to
      : (tar: Readable) =>
          placeTree(tar as AsyncIterable<Buffer>, { target: (top) => copyDestination(to, { base, contents, directory: top.type === "directory" }), owners: archive ? "given" : "mine" });
  await withContainerFiles(container, { kind: "pack", path: options.path, followLink }, { output }, { ...laminate, signal });
}

/** Copies an absolute path of this machine, or a tar from a stream, into a container. Throws ContainerError. */
export async function copyToContainer(laminate: Laminate, options: CpOptions & { readonly from: string | AsyncIterable<Buffer> }, signal: AbortSignal): Promise<void> {
  const { from, archive, followLink } = options;
  const container = new Containers(laminate.store.root).find(options.container);
  if (typeof from !== "string") {
    return await withContainerFiles(container, { kind: "unpack", path: options.path }, { input: from }, { ...laminate, signal });
  }
  const source = copySource(from, followLink);
  const action = { kind: "place", path: options.path, base: source.base, contents: meansContents(from), owners: archive } as const;
  await withContainerFiles(container, action, { input: packTree(source.path, source.base) }, { ...laminate, signal });
}
