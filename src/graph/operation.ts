import type { Platform } from "../oci/platform.ts";
import type { ModeChange } from "./mode-change.ts";

/** Where an operation was written, for errors and records: 1-based lines. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly endLine: number;
}

/** What the user or group of `--chown` and USER says: names are looked up in the tree, numbers stand as they are. */
export interface Owner {
  readonly user: string;
  readonly group?: string;
}

/** A file that stands in the Dockerfile itself as a here-document. `content` is UTF-8 text. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
}

/** An operation makes a file tree from file trees (its vertex's inputs, in the order that each kind names). */
export type Operation =
  /** No inputs: the empty tree. */
  | { readonly kind: "scratch" }
  /** No inputs: the tree of an image, by reference as written. */
  | { readonly kind: "image"; readonly reference: string; readonly platform: Platform }
  /** No inputs: the files of a build context, by its name (`context` is the main one, `context:NAME` a named one), ignore rules applied. */
  | { readonly kind: "context"; readonly name: string }
  /** Inputs: [base, …what its mounts show]. */
  | RunOperation
  /** Inputs: [base, source]; with inline files or only URLs [base]. */
  | CopyOperation
  /** Inputs: [base]. Makes a directory and its parents (WORKDIR), mode 0755. */
  | { readonly kind: "mkdir"; readonly path: string; readonly owner?: Owner };

export interface RunOperation {
  readonly kind: "run";
  /** The process's arguments, shell form already wrapped in the shell. */
  readonly argv: readonly string[];
  /** `KEY=value`, later ones win. */
  readonly env: readonly string[];
  /** Declared build arguments (`KEY=value`) in scope: in the environment and the key, not in the image. */
  readonly args: readonly string[];
  /** Proxy variables (`KEY=value`) that were given and not declared: in the environment, and not in the key. */
  readonly proxies?: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly network: "default" | "none" | "host";
  /** Of the image, where that is not for this machine: its programs need an emulator. */
  readonly platform?: Platform;
  /** With every capability and device, and no seccomp filter (`RUN --security=insecure`). */
  readonly insecure?: true;
  readonly mounts?: readonly RunMount[];
  /** Where it is not the one that all steps have (BUILDKIT_SANDBOX_HOSTNAME). */
  readonly hostname?: string;
  /** Further lines of /etc/hosts (`--add-host`). */
  readonly hosts?: readonly { readonly name: string; readonly address: string }[];
  /** A here-document with `#!`, which the command finds as an executable file at this path. */
  readonly script?: { readonly path: string; readonly text: string };
}

/**
 * What a RUN sees beside its tree (`RUN --mount`), at the absolute path `target`. `input` is a place in the vertex's
 * inputs after the base, `source` an absolute path in that tree. Nothing of it becomes part of the step's layer.
 */
export type RunMount =
  /** What is written there is thrown away. */
  | { readonly type: "bind"; readonly target: string; readonly input: number; readonly source: string; readonly readOnly: boolean }
  /** A directory that outlives the build, first filled from its input's `source` where it has one. */
  | {
      readonly type: "cache";
      readonly target: string;
      readonly id: string;
      /** Used by several steps at once, by one after the other, or each one its own. */
      readonly sharing: "shared" | "locked" | "private";
      readonly readOnly: boolean;
      readonly input?: number;
      readonly source?: string;
      readonly uid?: number;
      readonly gid?: number;
      readonly mode?: number;
    }
  /** `size` in bytes. */
  | { readonly type: "tmpfs"; readonly target: string; readonly size?: number }
  /** A value that the command line names: a file, a variable `env`, or both. */
  | ({ readonly type: "secret"; readonly target?: string; readonly env?: string } & HandedFile)
  /** The socket of an agent. */
  | ({ readonly type: "ssh"; readonly target: string } & HandedFile);

interface HandedFile {
  readonly id: string;
  readonly required: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface CopyOperation {
  readonly kind: "copy";
  readonly instruction: "COPY" | "ADD";
  /** Paths or patterns in the source tree, as written after expansion. */
  readonly sources: readonly string[];
  readonly inline: readonly InlineFile[];
  /** http(s) or git URLs (ADD only). */
  readonly urls: readonly string[];
  /** Absolute; a trailing slash is kept: it says "into this directory". */
  readonly destination: string;
  readonly owner?: Owner;
  /** Permission bits of `--chmod`, or what it changes of those that the source has. */
  readonly mode?: number | readonly ModeChange[];
  /** What is behind the one URL (`ADD --checksum`): a digest, or how the commit of a git repository begins. */
  readonly checksum?: string;
  /** ADD: unpack local archives. */
  readonly unpack: boolean;
  /** ADD --unpack: unpack archives from URLs too. */
  readonly unpackRemote?: true;
  /** ADD --keep-git-dir. */
  readonly keepGitDir?: true;
  /** Patterns of what is left out of the directories that are copied. */
  readonly exclude?: readonly string[];
  /** Sources keep the directories that they lie in (`--parents`). */
  readonly parents?: true;
  /** The layer is made as on an empty tree: no link of the tree below is followed (`--link`). */
  readonly link?: true;
}
