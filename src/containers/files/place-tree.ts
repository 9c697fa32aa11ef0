import * as fs from "node:fs";
import { readTar } from "../../archive/read-tar.ts";
import type { TarHeader } from "../../archive/tar-header.ts";
import { pathText } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { lsetxattr, mknod, setTimes } from "../../sys/files.ts";
import { ContainerError } from "../container-error.ts";

export interface PlaceOptions {
  /**
   * Given the first member, the path that it becomes, the others below it; or a directory that is there, in which
   * every member goes by its name.
   */
  readonly target: ((top: TarHeader) => string) | string;
  /** `given`: as the archive says; `root`: 0:0; `mine`: whoever we are. */
  readonly owners: "given" | "root" | "mine";
}

const TYPE_BITS = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/**
 * Makes the files of a tar. A directory that is there stays; whatever else stands in the way of a member is replaced,
 * links too, so none is ever followed below the target. Throws ContainerError `copy-failed`, ArchiveError.
 */
export async function placeTree(source: AsyncIterable<Buffer>, { target, owners }: PlaceOptions): Promise<void> {
  const directories: { readonly file: Buffer; readonly header: TarHeader }[] = [];
  let placed: ((name: string) => Buffer) | undefined = typeof target === "string" ? (name) => inside(target, parts(name)) : undefined;
  const loose = typeof target === "string";
  for await (const { header, body } of readTar(source)) {
    placed ??= below(parts(header.name), (target as (top: TarHeader) => string)(header));
    const file = placed(header.name);
    if (loose) fs.mkdirSync(file.subarray(0, file.lastIndexOf("/")), { recursive: true });
    const existing = fs.lstatSync(file, { throwIfNoEntry: false });
    if (header.type === "directory") {
      if (existing?.isDirectory() !== true) {
        if (existing !== undefined) fs.unlinkSync(file);
        fs.mkdirSync(file, 0o700);
      }
      directories.push({ file, header });
    } else {
      if (existing?.isDirectory() === true) {
        throw new ContainerError("copy-failed", `cannot overwrite the directory ${file.toString()} with ${header.type === "file" ? "a file" : `a ${header.type}`}`);
      }
      if (existing !== undefined) fs.unlinkSync(file);
      await make(file, header, body, placed);
    }
    if (header.type !== "hardlink") describe(file, header, owners);
  }
  if (placed === undefined) throw new ContainerError("copy-failed", "nothing to copy: the archive is empty");
  for (const { file, header } of directories.reverse()) setTimes(file, header.mtime); // what was made in them changed them
}

async function make(file: Buffer, header: TarHeader, body: AsyncIterable<Buffer>, placed: (name: string) => Buffer): Promise<void> {
  switch (header.type) {
    case "file": {
      const handle = fs.openSync(file, "wx", 0o600);
      try {
        for await (const chunk of body) for (let at = 0; at < chunk.length; ) at += fs.writeSync(handle, chunk, at);
      } finally {
        fs.closeSync(handle);
      }
      return;
    }
    case "symlink":
      return fs.symlinkSync(Buffer.from(header.link ?? "", "latin1"), file);
    case "hardlink":
      return fs.linkSync(placed(header.link ?? ""), file);
    case "character":
    case "block":
    case "fifo":
      return mknod(file, TYPE_BITS[header.type] | 0o600, header.major ?? 0, header.minor ?? 0);
    case "directory":
  }
}

function describe(file: Buffer, header: TarHeader, owners: PlaceOptions["owners"]): void {
  if (owners !== "mine") fs.lchownSync(file, owners === "given" ? header.uid : 0, owners === "given" ? header.gid : 0);
  if (header.type !== "symlink") fs.chmodSync(file, header.mode);
  for (const [name, value] of header.xattrs ?? []) {
    try {
      lsetxattr(file, name, value);
    } catch (error) {
      // Attributes such as capabilities are not for everyone, and not for every file system.
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP"].includes(errnoOf(error) ?? "")) throw error;
    }
  }
  setTimes(file, header.mtime);
}

function below(top: readonly string[], target: string): (name: string) => Buffer {
  return (name) => {
    const own = parts(name);
    if (top.some((part, at) => own[at] !== part)) throw new ContainerError("copy-failed", `the archive has "${pathText(name)}" beside its top "${pathText(top.join("/"))}"`);
    return inside(target, own.slice(top.length));
  };
}

function inside(directory: string, names: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from(directory), ...names.map((name) => Buffer.from(`/${name}`, "latin1"))]);
}

function parts(name: string): string[] {
  const found = name.split("/").filter((part) => part !== "" && part !== ".");
  if (found.includes("..")) throw new ContainerError("copy-failed", `the archive's "${pathText(name)}" climbs out of where it belongs`);
  return found;
}
