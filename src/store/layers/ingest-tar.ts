import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import { digestFromHex, type DiffId } from "../../oci/digest.ts";
import { StoreFailure } from "../store-error.ts";
import { WriteBehind } from "../write-behind.ts";
import { storeWriteFailure, writeAll } from "../write-file.ts";
import type { Entry } from "./entry.ts";
import { readLayer } from "./read-layer.ts";

export interface IngestedTar {
  readonly diffId: DiffId;
  /** Bytes of the tar. */
  readonly size: number;
  /** Sorted by path, one a path. */
  readonly entries: readonly Entry[];
}

/** Writes a layer's tar to a new file and works out its diffID and index in the same pass. Throws ArchiveError or StoreFailure for what is no sound layer. */
export async function ingestTar(source: AsyncIterable<Buffer>, tarPath: string): Promise<IngestedTar> {
  const file = await open(tarPath, "wx", 0o644);
  const behind = new WriteBehind(file.fd);
  try {
    const hash = createHash("sha256");
    let size = 0;
    const tee = async function* (): AsyncIterable<Buffer> {
      for await (const chunk of source) {
        const written = writeAll(file, chunk);
        written.catch(() => undefined); // seen below, if nothing else fails before
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
        await written;
        await behind.advance(size);
      }
    };
    const entries = await indexOf(tee());
    await behind.settle();
    await file.sync();
    return { diffId: digestFromHex(hash.digest("hex")) as DiffId, size, entries };
  } catch (error) {
    throw storeWriteFailure(error);
  } finally {
    await behind.settle().catch(() => undefined);
    await file.close();
  }
}

/** The index of a tar: each path once, the last member of a name standing for it. */
export async function indexOf(tar: AsyncIterable<Buffer>): Promise<Entry[]> {
  const entries = new Map<BytePath, Entry>();
  const opaque = new Set<BytePath>();
  for await (const member of readLayer(tar)) {
    if (member.kind === "opaque") {
      opaque.add(member.path);
      continue;
    }
    const { entry, body } = member;
    entries.set(entry.path, entry.type === "file" ? { ...entry, digest: await digestOfBody(body) } : entry);
  }
  for (const path of opaque) {
    const directory = entries.get(path);
    if (directory === undefined || directory.type === "directory") {
      entries.set(path, { ...(directory ?? plainDirectory(path)), opaque: true });
    }
  }
  const sorted = [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const entry of sorted) {
    checkPlace(entry, entries);
  }
  return sorted;
}

/** What lies below a link would be written wherever the link leads; what links to no file of the layer could be any file. */
function checkPlace(entry: Entry, entries: ReadonlyMap<BytePath, Entry>): void {
  if (entry.path !== "") {
    for (let parent = parentPath(entry.path); parent !== ""; parent = parentPath(parent)) {
      const above = entries.get(parent);
      if (above !== undefined && above.type !== "directory") {
        throw new StoreFailure("unsafe-tar", `${shown(entry.path)} of the layer lies below ${shown(parent)}, which is a ${above.type}`);
      }
    }
  }
  if (entry.type === "hardlink") {
    const target = entries.get((entry.link ?? "") as BytePath);
    if (target === undefined || target.type === "directory" || target.type === "whiteout" || entry.link === entry.path) {
      throw new StoreFailure("unsafe-tar", `${shown(entry.path)} of the layer is a hard link to ${shown(entry.link ?? "")}, which is no file of the layer`);
    }
  }
}

async function digestOfBody(body: AsyncIterable<Buffer>): Promise<DiffId> {
  const hash = createHash("sha256");
  for await (const chunk of body) {
    hash.update(chunk);
  }
  return digestFromHex(hash.digest("hex")) as DiffId;
}

function plainDirectory(path: BytePath): Entry {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n };
}

function shown(path: string): string {
  return JSON.stringify(pathText(path));
}
