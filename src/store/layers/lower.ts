import type { LayerFiles } from "./unpack.ts";

/** Whose attributes mark whiteouts and opaque directories: root's, or those of a mount with `userxattr`. */
export type Dialect = "trusted" | "user";

/** A layer as overlayfs can have it below: its files unpacked, or its tar as it lies with an EROFS image of its metadata. */
export type Lower = DirectoryLower | ErofsLower;

export interface DirectoryLower {
  readonly kind: "directory";
  readonly path: string;
}

export interface ErofsLower {
  readonly kind: "erofs";
  /** In a directory of the layer's own, named like no other layer's. */
  readonly image: string;
  /** The files that hold the contents, in the image's order. */
  readonly devices: readonly string[];
}

/** What makes lowers usable on this machine: the sandbox. */
export interface LayerMounter {
  readonly dialect: Dialect;
  /** Makes a layer's files in an empty directory. */
  unpack(layer: LayerFiles, target: string): Promise<void>;
  /** Whether layers can be mounted from images here, and should be. */
  mountsImages(): Promise<boolean>;
}
