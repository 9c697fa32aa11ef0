import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from "node:fs";
import { lgetxattr, llistxattr } from "../../sys/files.ts";

/**
 * All that a program can learn of the files below a directory, one line a path, so that two trees can be compared.
 * Of a directory neither size nor links: each file system has its own idea of them. Of a whiteout no time: nobody sees it.
 */
export function describeTree(root: string): string[] {
  const paths = pathsBelow(Buffer.from(root));
  const firstOfInode = new Map<bigint, string>();
  return paths.map(({ path, stat }) => {
    const name = path.subarray(root.length).toString("latin1");
    if (!stat.isDirectory() && !firstOfInode.has(stat.ino)) firstOfInode.set(stat.ino, name);
    return JSON.stringify({
      name,
      mode: stat.mode.toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      ...(isWhiteout(stat) ? {} : { mtime: String(stat.mtimeNs) }),
      device: String(stat.rdev),
      ...(stat.isDirectory() ? {} : { size: String(stat.size), links: String(stat.nlink), same: firstOfInode.get(stat.ino) }),
      attributes: attributesOf(path),
      content: contentOf(path, stat),
    });
  });
}

function pathsBelow(path: Buffer): { readonly path: Buffer; readonly stat: BigIntStats }[] {
  const stat = lstatSync(path, { bigint: true });
  const names = stat.isDirectory() ? readdirSync(path, { encoding: "buffer" }).sort(Buffer.compare) : [];
  return [{ path, stat }, ...names.flatMap((name) => pathsBelow(Buffer.concat([path, Buffer.from("/"), name])))];
}

function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

function attributesOf(path: Buffer): readonly string[] {
  return llistxattr(path)
    .sort()
    .map((name) => `${name}=${lgetxattr(path, name).toString("hex")}`);
}

function contentOf(path: Buffer, stat: BigIntStats): string | undefined {
  if (stat.isSymbolicLink()) return readlinkSync(path, "buffer").toString("latin1");
  return stat.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : undefined;
}
