import type { Lower } from "../../store/layers/lower.ts";

/** What the files worker does with a container's file system. Paths are the container's, from its root. */
export type FilesAction =
  /** The whole file system to standard output. */
  | { readonly kind: "export" }
  /** A file or directory to standard output, as a tar whose members are named after it. */
  | { readonly kind: "pack"; readonly path: string; readonly followLink: boolean }
  /** A file or directory, packed as `pack` does, from standard input to where `cp` puts it. */
  | { readonly kind: "place"; readonly path: string; readonly base: string; readonly contents: boolean; readonly owners: boolean }
  /** The members of a tar on standard input into a directory that is there. */
  | { readonly kind: "unpack"; readonly path: string };

/** What the worker is started with, as JSON in its only argument. */
export interface FilesPlan {
  readonly action: FilesAction;
  /** The root of a container that runs; else the stack is mounted for the time of the copy. */
  readonly root?: string;
  readonly directory: string;
  /** The image's layers, lowest first. */
  readonly lowers: readonly Lower[];
  /** Where layers that are no directories are mounted. */
  readonly mounts: string;
  readonly dialect: "trusted" | "user";
}

/** Why the worker failed: its last line on standard error. */
export interface FilesFailure {
  readonly code: string;
  readonly message: string;
}
