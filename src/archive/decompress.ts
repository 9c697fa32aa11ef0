import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errnoOf, reasonOf } from "../base/failure.ts";
import { ArchiveError } from "./archive-error.ts";
import { peek } from "./peek.ts";

export type StreamFormat = "gzip" | "zstd" | "xz" | "bzip2" | "plain";

const MAGIC: readonly (readonly [StreamFormat, Buffer])[] = [
  ["gzip", Buffer.from([0x1f, 0x8b])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ["bzip2", Buffer.from("BZh")],
];
/** A zstd stream may start with a skippable frame, whose magic is 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2). */
const SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18]);
const LONGEST_MAGIC = 6;
/** zlib's own 16 KiB chunks halve the speed; 256 KiB take a sixth longer than this. */
const CHUNK = 1 << 20;

/** How a stream that starts with these bytes is compressed. */
export function formatOf(start: Buffer): StreamFormat {
  if (start.length >= 4 && (start[0]! & 0xf0) === 0x50 && start.subarray(1, 4).equals(SKIPPABLE)) return "zstd";
  return MAGIC.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0] ?? "plain";
}

/**
 * The decompressed bytes of a stream, whose format shows in its first bytes; what is not compressed passes as it is.
 * Errors of the stream are {@link ArchiveError}; the source's own errors pass unchanged.
 */
export function decompressStream(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(decompress(source), { objectMode: false, highWaterMark: CHUNK });
}

async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { start, all } = await peek(source, LONGEST_MAGIC);
  const format = formatOf(start);
  switch (format) {
    case "plain":
      yield* all;
      return;
    case "gzip":
      yield* through(all, createGunzip({ chunkSize: CHUNK }), format);
      return;
    case "zstd":
      yield* through(all, createZstdDecompress({ chunkSize: CHUNK }), format);
      return;
    case "xz":
    case "bzip2":
      yield* throughCommand(all, format);
  }
}

async function* through(source: AsyncIterable<Buffer>, transform: NodeJS.ReadWriteStream, format: StreamFormat): AsyncGenerator<Buffer> {
  let sourceError: unknown;
  const input = Readable.from(source, { objectMode: false });
  input.once("error", (error) => {
    sourceError = error;
    (transform as unknown as Readable).destroy(error);
  });
  try {
    yield* input.pipe(transform) as AsyncIterable<Buffer>;
  } catch (error) {
    if (error === sourceError) throw error;
    const cut = errnoOf(error) === "Z_BUF_ERROR" || /unexpected end|truncat/i.test(reasonOf(error));
    throw new ArchiveError(cut ? "truncated" : "damaged", `cannot decompress the ${format} stream: ${reasonOf(error)}`, { cause: error });
  } finally {
    input.destroy();
  }
}

/** xz and bzip2 are rare enough that their commands will do. */
async function* throughCommand(source: AsyncIterable<Buffer>, format: "xz" | "bzip2"): AsyncGenerator<Buffer> {
  const child = spawn(format, ["-dc"], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null | Error>((resolve) => child.once("error", resolve).once("close", resolve));
  let said = "";
  let sourceError: unknown;
  child.stderr.on("data", (data: Buffer) => (said = (said + data.toString()).slice(0, 1000)));
  child.stdin.on("error", () => undefined); // told by the exit code
  const input = Readable.from(source, { objectMode: false });
  input.once("error", (error) => {
    sourceError = error;
    child.kill();
  });
  input.pipe(child.stdin);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const code = await ended;
    if (sourceError !== undefined) throw sourceError;
    if (code instanceof Error) {
      throw new ArchiveError("no-command", `cannot decompress the ${format} stream: the command ${format} did not start`, { cause: code, hint: `Install ${format}.` });
    }
    if (code !== 0) throw new ArchiveError(/unexpected end/i.test(said) ? "truncated" : "damaged", `cannot decompress the ${format} stream: ${said.trim()}`);
  } finally {
    child.kill();
    input.destroy();
  }
}
