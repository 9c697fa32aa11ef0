import { normalize } from "node:path/posix";
import { joinPath, parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import type { Entry, EntryType } from "../../store/layers/entry.ts";
import type { Tree } from "../../store/layers/tree.ts";
import { changeMode, type ModeChange } from "../../graph/mode-change.ts";
import { ExecuteError } from "../execute-error.ts";
import type { FileSource, SourceEntry } from "../value.ts";
import { directoriesBetween, type Chosen, type Selection } from "./select.ts";

/** An entry of the layer to be, with where a file's content comes from. */
export interface PlannedEntry {
  readonly entry: Entry;
  readonly content?: { readonly source: FileSource; readonly entry: Entry };
  readonly inode?: string;
}

/** Files to be placed: what COPY chose, an unpacked archive, a downloaded or inline file. */
export interface Placement {
  readonly source: FileSource;
  readonly selection: Selection;
  /** An unpacked archive: its modes stand, and its owners unless one is set. */
  readonly archive: boolean;
}

export interface PlanOptions {
  readonly base: Tree;
  /** Absolute; a trailing slash means: a directory. */
  readonly destination: string;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** All files' mode, or how the source's is changed. */
  readonly mode: number | readonly ModeChange[] | undefined;
  /** The mtime of directories that the copy makes itself, nanoseconds. */
  readonly now: bigint;
}

/**
 * Works out the layer that a COPY or ADD makes on a tree, without touching a disk: the destination itself and its
 * parents keep their metadata where they exist, else they are made with mode 0755 or the permissions of --chmod (but a
 * directory's time becomes that of the directory that is copied onto it, unless that is its source's root);
 * directories below the destination take the source's metadata, whether they exist or not; owners are the source's
 * (a build context's are all root); symlinks in the destination are followed inside the tree, and files of one source
 * stay hard-linked among themselves (as BuildKit's file operations do). What an archive names replaces what is there of
 * another type; a COPY is refused then. Entries come sorted by path.
 */
export function planCopy(placements: readonly Placement[], options: PlanOptions): PlannedEntry[] {
  const planner = new Planner(options);
  const many = placements.reduce((count, placement) => count + placement.selection.chosen.length, 0) > 1;
  for (const placement of placements) {
    planner.place(placement, many);
  }
  return planner.entries();
}

/** The layer of WORKDIR: the directory with its parents, or nothing where it is there. Dots are taken out before links are followed. */
export function planDirectory(options: PlanOptions): PlannedEntry[] {
  const planner = new Planner(options);
  const path = planner.resolve(normalize(options.destination));
  if (options.base.get(path)?.entry.type === "directory") return [];
  planner.makeDirectory(path);
  return planner.entries();
}

class Planner {
  readonly #options: PlanOptions;
  readonly #planned = new Map<BytePath, PlannedEntry>();
  /** Of directories that are made on the way. */
  #directoryMode = 0o755;
  /** Sources placed so far: tells the hard links of one from those of another. */
  #placed = 0;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  entries(): PlannedEntry[] {
    return linkSameFiles([...this.#planned.values()].sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1)));
  }

  resolve(path: string): BytePath {
    return this.#options.base.resolve(path).path;
  }

  place(placement: Placement, many: boolean): void {
    const { destination, mode } = this.#options;
    // mkdir(2) takes the permissions alone, and not those of BuildKit's umask.
    this.#directoryMode = typeof mode === "number" && !placement.archive ? mode & 0o755 : 0o755;
    const target = this.resolve(destination);
    const into = destination.endsWith("/") || many || this.#existing(target)?.type === "directory";
    for (const { name, source, root } of placement.selection.chosen) {
      this.#placed += 1;
      if (root !== undefined) {
        this.#placeWithParents(placement, { name, source, root }, target);
        continue;
      }
      if (source.entry.type === "directory") {
        this.#mergeDirectory(placement, source, target, { destination: true });
      } else {
        this.#placeFile(placement, source, into ? this.resolve(`/${pathText(joinPath(target, name))}`) : target);
      }
    }
  }

  /** The directories that the source lies in come with their own metadata, as BuildKit's `--parents` has it. */
  #placeWithParents(placement: Placement, { name, source, root }: Required<Chosen>, target: BytePath): void {
    this.makeDirectory(target);
    for (const directory of directoriesBetween(placement.source, root, source.entry.path)) {
      const path = joinPath(target, directory.entry.path.slice(root === "" ? 0 : root.length + 1));
      if (this.#typeAt(path) !== "directory") this.makeDirectory(parentPath(path));
      this.#planned.set(path, { entry: this.#owned(placement, directory.entry, path) });
    }
    const path = name === "" ? target : joinPath(target, name);
    if (source.entry.type === "directory") this.#mergeDirectory(placement, source, path, { destination: name === "" });
    else this.#placeFile(placement, source, path);
  }

  /** Makes a directory where there is none, its parents first; what exists joins the layer as it is, for its metadata would be hidden otherwise. */
  makeDirectory(path: BytePath): void {
    if (path === "" || this.#planned.get(path)?.entry.type === "directory") {
      return;
    }
    this.makeDirectory(parentPath(path));
    const existing = this.#existing(path);
    if (existing !== undefined && existing.type !== "directory") {
      throw new ExecuteError("not-a-directory", `cannot make the directory ${shown(path)}: a ${existing.type} of that name is in the image`);
    }
    this.#planned.set(path, { entry: existing ?? this.#newDirectory(path) });
  }

  /** Places what a directory holds. The destination itself, where it is new, is a directory like its parents. */
  #mergeDirectory(placement: Placement, source: SourceEntry, target: BytePath, { destination, absent = false }: { readonly destination: boolean; readonly absent?: boolean }): void {
    const existing = absent ? undefined : this.#existing(target);
    if (existing?.type === "symlink" && placement.archive && source.implied === true) {
      return this.#mergeDirectory(placement, source, this.resolve(`/${pathText(target)}`), { destination });
    }
    const replaces = placement.archive && !destination && source.implied !== true;
    if (existing !== undefined && existing.type !== "directory" && !replaces) {
      throw new ExecuteError("not-a-directory", `cannot copy the directory ${shown(source.entry.path)} to ${shown(target)}: a ${existing.type} of that name is in the image`);
    }
    if (!absent) this.makeDirectory(parentPath(target));
    if (destination || source.implied === true) {
      this.makeDirectory(target);
      if (source.implied !== true && source.entry.path !== "") this.#takeTime(target, source.entry);
    } else {
      this.#planned.set(target, { entry: this.#owned(placement, source.entry, target) });
    }
    // In a directory that is new nothing can be in the way. The root is always there, whether a layer says so or not.
    const below = { destination: false, absent: existing === undefined && target !== "" };
    for (const child of placement.source.children(source.entry.path)) {
      const path = joinPath(target, child.entry.path.slice(source.entry.path === "" ? 0 : source.entry.path.length + 1));
      if (child.entry.type === "directory") {
        this.#mergeDirectory(placement, child, path, below);
      } else if (below.absent) {
        this.#planFile(placement, child, path);
      } else {
        this.#placeFile(placement, child, path);
      }
    }
  }

  /** The destination of a directory takes its time, and nothing else, also where it exists. */
  #takeTime(path: BytePath, { mtime }: Entry): void {
    const planned = this.#planned.get(path);
    if (planned !== undefined) this.#planned.set(path, { ...planned, entry: { ...planned.entry, mtime } });
  }

  #placeFile(placement: Placement, source: SourceEntry, path: BytePath): void {
    if (this.#typeAt(path) === "directory" && placement.archive) {
      for (const below of this.#planned.keys()) if (below.startsWith(`${path}/`)) this.#planned.delete(below);
    } else if (this.#typeAt(path) === "directory") {
      throw new ExecuteError("is-a-directory", `cannot copy the file ${shown(source.entry.path)} to ${shown(path)}: a directory of that name is in the image`);
    }
    this.makeDirectory(parentPath(path));
    this.#planFile(placement, source, path);
  }

  #planFile(placement: Placement, source: SourceEntry, path: BytePath): void {
    this.#planned.set(path, {
      entry: this.#owned(placement, source.entry, path),
      ...(source.entry.type === "file" ? { content: { source: placement.source, entry: source.entry } } : {}),
      ...(source.inode === undefined ? {} : { inode: `${this.#placed} ${source.inode}` }),
    });
  }

  #owned(placement: Placement, entry: Entry, path: BytePath): Entry {
    const { owner, mode } = this.#options;
    const { uid, gid } = owner ?? entry;
    const { type, size, mtime, link, major, minor, xattrs, digest } = entry;
    const more = {
      ...(link === undefined ? {} : { link }),
      ...(major === undefined ? {} : { major, minor: minor ?? 0 }),
      ...(xattrs === undefined ? {} : { xattrs }),
      ...(digest === undefined ? {} : { digest }),
    };
    return { path, type, size, mtime, uid, gid, ...more, mode: entry.type === "symlink" || placement.archive ? entry.mode : modeOf(entry, mode) };
  }

  #newDirectory(path: BytePath): Entry {
    const { owner, now } = this.#options;
    return { path, type: "directory", mode: this.#directoryMode, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, size: 0, mtime: now };
  }

  #typeAt(path: BytePath): EntryType | undefined {
    return (this.#planned.get(path)?.entry ?? this.#options.base.get(path)?.entry)?.type;
  }

  #existing(path: BytePath): Entry | undefined {
    const planned = this.#planned.get(path)?.entry;
    if (planned !== undefined) {
      return planned;
    }
    const found = this.#options.base.get(path)?.entry;
    if (found === undefined) {
      return undefined;
    }
    // An opaque mark says what the lower layer hid; repeated here it would hide that layer's own files.
    const { opaque: _opaque, offset: _offset, ...entry } = found;
    return entry;
  }
}

function modeOf({ mode, type }: Entry, wanted: PlanOptions["mode"]): number {
  if (wanted === undefined) return mode;
  return typeof wanted === "number" ? wanted : changeMode(mode, type === "directory", wanted);
}

/** Names of one file become hard links to the first of them in path order, so that a link always follows its file. */
export function linkSameFiles(entries: readonly PlannedEntry[]): PlannedEntry[] {
  const first = new Map<string, BytePath>();
  return entries.map((planned) => {
    const { inode, entry } = planned;
    if (inode === undefined || entry.type !== "file") {
      return planned;
    }
    const target = first.get(inode);
    if (target === undefined) {
      first.set(inode, entry.path);
      return planned;
    }
    const { digest: _digest, xattrs: _xattrs, ...rest } = entry;
    return { entry: { ...rest, type: "hardlink", size: 0, link: target } };
  });
}

function shown(path: BytePath): string {
  return JSON.stringify(`/${pathText(path)}`);
}

