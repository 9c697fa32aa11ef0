import { constants, openSync, createReadStream, readdirSync, fstatSync, closeSync } from "node:fs";
import { join } from "node:path";
import { decompressStream } from "../archive/decompress.ts";
import { readTar } from "../archive/read-tar.ts";
import { errnoOf } from "../base/failure.ts";

/** A file of an archive, or a name for another of its files. Names are only ever looked up, never opened. */
export type Member =
  | { readonly kind: "file"; readonly name: string; readonly body: AsyncIterable<Buffer> }
  | { readonly kind: "link"; readonly name: string; readonly target: string };

/** The files of a tar, compressed or not. */
export async function* archiveMembers(source: AsyncIterable<Buffer>): AsyncGenerator<Member> {
  for await (const { header, body } of readTar(decompressStream(source))) {
    const name = clean(header.name);
    if (header.type === "file") yield { kind: "file", name, body };
    // Old docker versions wrote the layers that images share once, and symbolic links to them.
    else if (header.type === "symlink") yield { kind: "link", name, target: clean(join(name, "..", header.link ?? "")) };
    else if (header.type === "hardlink") yield { kind: "link", name, target: clean(header.link ?? "") };
  }
}

/** The files of an OCI image layout directory that images can be made of. */
export function directoryMembers(directory: string): AsyncIterable<Member> {
  const blobs = "blobs/sha256";
  return namedMembers(directory, ["oci-layout", "index.json", "manifest.json", ...readdirSync(join(directory, blobs)).sort().map((name) => `${blobs}/${name}`)]);
}

/** The files of these names that a directory has. */
export async function* namedMembers(directory: string, names: readonly string[]): AsyncGenerator<Member> {
  for (const name of names) {
    const file = openFile(join(directory, name));
    if (file !== undefined) yield { kind: "file", name, body: createReadStream("", { fd: file, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer> };
  }
}

/** A regular file, never through a symbolic link at its end: the directory may be anyone's. */
function openFile(path: string): number | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    return undefined;
  } catch (error) {
    if (["ENOENT", "ELOOP"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

function clean(name: string): string {
  return join("/", name).slice(1);
}
