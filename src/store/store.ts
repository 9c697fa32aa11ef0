import { readFileSync } from "node:fs";
import path from "node:path";
import { errnoOf, reasonOf } from "../base/failure.ts";
import { spreadDirectories } from "../sys/spread-directories.ts";
import { CacheMounts } from "./cache-mounts.ts";
import { CacheRecords } from "./cache-records.ts";
import { Claims } from "./claims.ts";
import { ContentStore } from "./content/content-store.ts";
import { Database } from "./database.ts";
import { ImageStore } from "./images/image-store.ts";
import { KnownSelections } from "./known-selections.ts";
import { LayerStore } from "./layers/layer-store.ts";
import { FileDigests, fileDigestsPath } from "./file-digests.ts";
import { Leases } from "./leases.ts";
import { makeDirectories } from "./make-directories.ts";
import { RecordStore } from "./records.ts";
import { Reserve } from "./reserve.ts";
import { Selections } from "./selections.ts";
import { StoreFailure } from "./store-error.ts";
import { Temporary } from "./temporary.ts";
import { Unsynced } from "./unsynced.ts";
import { storeWriteFailure, writeFileAtomically } from "./write-file.ts";

/** Everything that Laminate keeps, below one directory (docs/store.md). */
export interface Store extends AsyncDisposable {
  readonly root: string;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
  readonly records: RecordStore;
  readonly cache: CacheRecords;
  readonly cacheMounts: CacheMounts;
  readonly leases: Leases;
  readonly selections: Selections;
  readonly knownSelections: KnownSelections;
  /** The digests of the files of a directory of this machine, as far as earlier builds hashed them. */
  fileDigests(directory: string): FileDigests;
  /** What killed processes left and that holds files of other users: for the sandbox to remove. */
  readonly leftovers: readonly string[];
  /** A new empty directory on the store's file system; it goes when this process does. */
  temporaryDirectory(): string;
  /** Says of what was made a while ago without waiting for the disk that it is there: one sync of the file system, where there is such. */
  settleOld(): Promise<void>;
  /** The path of a file that is to be made there. */
  temporaryFile(): string;
  /** Does all of `work` on records and images or nothing of it; nobody else writes meanwhile, so nobody takes a lease. */
  transaction<T>(work: () => T): T;
  /** A transaction that frees space: on a full disk it may use the room that is kept for that. */
  urgently<T>(work: () => T): T;
}

/** The layout that this version reads and writes; a store of a later one is left alone. */
const LAYOUT = 1;

export interface StoreOptions {
  /** What is here is looked at and nothing is written: whatever would have to be fails with `read-only`. A store that is not there is an empty one. */
  readonly readOnly?: boolean;
}

/** Opens the store, making it where there is none. Throws StoreFailure `newer-layout`, `read-only`, `disk-full` or `damaged`. */
export async function openStore(root: string, { readOnly = false }: StoreOptions = {}): Promise<Store> {
  const place = path.resolve(root);
  const { temporary, leftovers } = readOnly ? look(place) : prepare(place);
  const reserve = new Reserve(path.join(place, "reserve"));
  const database = new Database(place, reserve, { readOnly });
  const claims = new Claims(place);
  const leases = new Leases(database);
  const unsynced = new Unsynced(place, { readOnly });
  const content = new ContentStore(place, { temporary, leases, unsynced, readOnly });
  const layers = new LayerStore(place, { content, temporary, claims, leases, unsynced, readOnly });
  const records = new RecordStore(database, claims);
  return {
    root: place,
    content,
    layers,
    images: new ImageStore(database, content, layers),
    records,
    cache: new CacheRecords(records),
    cacheMounts: new CacheMounts(place),
    leases,
    selections: new Selections(place, temporary),
    knownSelections: new KnownSelections(place, temporary),
    fileDigests: (directory) => new FileDigests(fileDigestsPath(place, directory), () => temporary.file()),
    leftovers,
    temporaryDirectory: () => temporary.directory(),
    settleOld: () => unsynced.sweep(Date.now()),
    temporaryFile: () => temporary.file(),
    transaction: (work) => database.transaction(work),
    urgently: (work) => withReserve(reserve, () => database.transaction(work)),
    async [Symbol.asyncDispose]() {
      leases.release();
      database.close();
      temporary.dispose();
      if (!readOnly) reserve.fill();
    },
  };
}

function withReserve<T>(reserve: Reserve, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreFailure && error.code === "disk-full" && reserve.lend()) {
      return withReserve(reserve, work);
    }
    throw error;
  }
}

function prepare(root: string): { temporary: Temporary; leftovers: string[] } {
  const file = path.join(root, "layout");
  const scratch = path.join(root, "tmp");
  try {
    makeDirectories(scratch);
    const temporary = new Temporary(scratch);
    const leftovers = temporary.sweep();
    if (checkLayout(root) === undefined) {
      spreadDirectories(scratch); // where steps work, and layers are unpacked
      writeFileAtomically(file, `${LAYOUT}\n`, temporary.file());
    }
    return { temporary, leftovers };
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR" || errnoOf(error) === "EEXIST") {
      throw new StoreFailure("read-only", `open the store ${JSON.stringify(root)}: it is not a directory`, { cause: error });
    }
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "EPERM") {
      throw new StoreFailure("read-only", `open the store ${JSON.stringify(root)}: no directory can be made there: ${reasonOf(error)}`, { cause: error, hint: "choose another place with --root or LAMINATE_ROOT" });
    }
    throw storeWriteFailure(error);
  }
}

/** What {@link prepare} does, for one who may write nothing. */
function look(root: string): { temporary: Temporary; leftovers: string[] } {
  checkLayout(root);
  return { temporary: new Temporary(path.join(root, "tmp"), { readOnly: true }), leftovers: [] };
}

/** The store's layout; undefined where there is no store yet. Throws StoreFailure `newer-layout` for one that this version does not know. */
function checkLayout(root: string): number | undefined {
  const found = layoutOf(path.join(root, "layout"));
  if (found !== undefined && found > LAYOUT) {
    throw new StoreFailure("newer-layout", `open the store ${JSON.stringify(root)}: it has layout ${found}, and this version knows layouts up to ${LAYOUT}`, {
      hint: "update laminate, or choose another place with --root or LAMINATE_ROOT",
    });
  }
  return found;
}

function layoutOf(file: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
  if (!/^\d+\n?$/.test(text)) {
    throw new StoreFailure("damaged", `open the store: ${JSON.stringify(file)} should hold a number, and holds ${JSON.stringify(text.slice(0, 40))}`, {
      hint: `if nothing else was changed, write it again: echo ${LAYOUT} > ${file}`,
    });
  }
  return Number(text);
}
