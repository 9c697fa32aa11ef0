import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { StoreFailure } from "../store-error.ts";

/** Where bytes lie on this machine: in a file, from `offset` on. */
export interface Located {
  readonly file: string | Buffer;
  readonly offset: number;
}

const READ_SIZE = 1 << 20;

/** Exactly `size` bytes from a place; with a `buffer` read into that, each chunk then valid until the next. Throws StoreFailure `damaged` when the file ends before. A link in the file's place is not followed, a pipe not waited for. */
export async function* readRange({ file, offset }: Located, size: number, buffer?: Buffer): AsyncGenerator<Buffer> {
  if (size === 0) {
    return;
  }
  await using handle = await opened(file);
  for (let done = 0; done < size; ) {
    const room = buffer ?? Buffer.allocUnsafe(Math.min(size - done, READ_SIZE));
    const { bytesRead } = await handle.read(room, 0, Math.min(size - done, room.length), offset + done);
    if (bytesRead === 0) throw shorter(file);
    done += bytesRead;
    yield room.subarray(0, bytesRead);
  }
}

/** The same in one piece, for what fits into memory; read into `bytes`, which are `size` long. */
export async function readWhole({ file, offset }: Located, size: number, bytes: Buffer = Buffer.allocUnsafeSlow(size)): Promise<Buffer> {
  await using handle = await opened(file);
  for (let done = 0; done < size; ) {
    const { bytesRead } = await handle.read(bytes, done, size - done, offset + done);
    if (bytesRead === 0) throw shorter(file);
    done += bytesRead;
  }
  return bytes;
}

function opened(file: string | Buffer): Promise<FileHandle> {
  return open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

function shorter(file: string | Buffer): StoreFailure {
  return new StoreFailure("damaged", `${JSON.stringify(file.toString())} became shorter while it was read`);
}
