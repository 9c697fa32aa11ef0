import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { errnoOf } from "../base/failure.ts";
import { StoreFailure } from "./store-error.ts";

/** Writes a whole small file so that at any moment either the old or the new content is there: temporary file, fsync, rename. */
export function writeFileAtomically(target: string, content: string | Buffer, temporary: string): void {
  try {
    const file = openSync(temporary, "wx", 0o644);
    try {
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(file, bytes, at);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    throw storeWriteFailure(error);
  }
}

/** Writes a stream to a new file and syncs it; `onChunk` sees each chunk first. Gives the size in bytes. */
export async function writeStream(target: string, source: AsyncIterable<Buffer>, onChunk: (chunk: Buffer) => void): Promise<number> {
  let file: FileHandle | undefined;
  let size = 0;
  try {
    file = await open(target, "wx", 0o644);
    for await (const chunk of source) {
      onChunk(chunk);
      await writeAll(file, chunk);
      size += chunk.length;
    }
    await file.sync();
    return size;
  } catch (error) {
    throw storeWriteFailure(error);
  } finally {
    await file?.close();
  }
}

/** FileHandle.write may write less than asked. */
export async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await file.write(chunk, at)).bytesWritten;
  }
}

/** Writes chunks at a place in a file, and gives where they end; of writev(2) too, less may be written than was asked. */
export async function writeAllAt(file: FileHandle, chunks: readonly Buffer[], at: number): Promise<number> {
  for (let left = chunks.filter(({ length }) => length > 0); left.length > 0; ) {
    const { bytesWritten } = await file.writev(left, at);
    at += bytesWritten;
    left = after(left, bytesWritten);
  }
  return at;
}

/** What is left of chunks without their first bytes. */
function after(chunks: readonly Buffer[], bytes: number): Buffer[] {
  return chunks.flatMap((chunk) => {
    const gone = Math.min(bytes, chunk.length);
    bytes -= gone;
    return gone === chunk.length ? [] : [chunk.subarray(gone)];
  });
}

/** A failed write as the store's own failure where it is the disk's; else the error itself. */
export function storeWriteFailure(error: unknown): unknown {
  switch (errnoOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new StoreFailure("disk-full", "write to the store: no space left on its disk", { cause: error, hint: "free some space, or move the store with --root or LAMINATE_ROOT" });
    case "EROFS":
    case "EACCES":
      return new StoreFailure("read-only", `write to the store: ${error instanceof Error ? error.message : ""}`, { cause: error, hint: "choose another place with --root or LAMINATE_ROOT" });
    default:
      return error;
  }
}
