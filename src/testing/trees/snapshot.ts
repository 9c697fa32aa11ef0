import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { lgetxattr, llistxattr } from "../../sys/files.ts";

/** All that is to be known of each path of a tree, a line each, sorted; names of one file say so. */
export function snapshot(root: string, options: { readonly directoryTimes?: boolean } = {}): readonly string[] {
  const lines: { readonly path: string; readonly line: string; readonly inode: string | undefined }[] = [];
  const visit = (path: string): void => {
    const at = Buffer.concat([Buffer.from(root), Buffer.from(path, "latin1")]);
    const stat = fs.lstatSync(at, { bigint: true });
    const isDirectory = stat.isDirectory();
    const kind = isDirectory ? "directory" : stat.isFile() ? "file" : stat.isSymbolicLink() ? "symlink" : stat.isFIFO() ? "fifo" : `device ${stat.rdev}`;
    const content = stat.isFile() ? ` ${stat.size} ${createHash("sha256").update(fs.readFileSync(at)).digest("hex").slice(0, 8)}` : stat.isSymbolicLink() ? ` -> ${fs.readlinkSync(at, "latin1")}` : "";
    const mode = stat.isSymbolicLink() ? "" : ` ${(stat.mode & 0o7777n).toString(8)}`;
    const time = isDirectory && options.directoryTimes === false ? "" : ` @${stat.mtimeNs}`;
    const inode = !isDirectory && stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined;
    lines.push({ path, line: `${JSON.stringify(path)} ${kind}${mode} ${stat.uid}:${stat.gid}${time}${content}${attributes(at)}`, inode });
    if (isDirectory) for (const name of fs.readdirSync(at, { encoding: "buffer" })) visit(`${path}/${name.toString("latin1")}`);
  };
  visit("");
  lines.shift(); // the root itself is in no layer, as with docker
  const sorted = lines.sort((a, b) => (a.path < b.path ? -1 : 1));
  const first = new Map<string, string>();
  return sorted.map(({ path, line, inode }) => {
    const target = inode === undefined ? undefined : first.get(inode);
    if (inode !== undefined && target === undefined) first.set(inode, path);
    return target === undefined ? line : `${line} = ${JSON.stringify(target)}`;
  });
}

function attributes(at: Buffer): string {
  const names = llistxattr(at).filter((name) => !/\.overlay\.|^security\.selinux$|^system\./.test(name));
  return names.sort().map((name) => ` ${name}=${lgetxattr(at, name).toString("hex")}`).join("");
}
