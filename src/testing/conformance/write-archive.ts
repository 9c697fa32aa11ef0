import { writeTar, type TarSource } from "../../archive/write-tar.ts";
import { tool } from "../builds.ts";

/** The programs that make an archive what `tar=NAME` says. */
const COMPRESSORS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  gzip: ["gzip", "-nc"], bzip2: ["bzip2", "-c"], xz: ["xz", "-c"], zstd: ["zstd", "-qc"],
};

/**
 * An archive of the members that lines describe: `NAME MODE UID:GID TIME CONTENT`, where a name that ends in a slash
 * is a directory, and a content of `-> NAME` a symbolic link, of `=> NAME` a hard one, and `fifo` a pipe; other contents are JSON strings, and attributes `NAME=HEX` may follow.
 */
export async function writeArchive(lines: string, compression: string): Promise<Buffer> {
  const members = lines.split("\n").filter((line) => line !== "").map(parseMember);
  const tar = Buffer.concat(await Array.fromAsync(writeTar(members)));
  const compressor = COMPRESSORS[compression];
  if (compressor === undefined) return tar;
  const [command, ...args] = compressor;
  return tool(command, args, { input: tar });
}

function parseMember(line: string): TarSource {
  const [, name, mode, uid, gid, time, content] = /^(\S+) (\d+) (\d+):(\d+) (\S+)(?: (.*))?$/.exec(line)!;
  const common = { mode: Number.parseInt(mode!, 8), uid: Number(uid), gid: Number(gid), size: 0, mtime: BigInt(Date.parse(time!)) * 1_000_000n };
  const [, arrow, link] = /^([-=])> (.*)$/.exec(content ?? "") ?? [];
  if (link !== undefined) return { header: { ...common, name: name!, type: arrow === "-" ? "symlink" : "hardlink", link } };
  if (content === "fifo") return { header: { ...common, name: name!, type: "fifo" } };
  if (name!.endsWith("/")) return { header: { ...common, name: name!.slice(0, -1), type: "directory" } };
  const [, text, xattr] = /^("(?:[^"\\]|\\.)*")(?: (\S+=\S+))?$/.exec(content ?? '""')!;
  const bytes = Buffer.from(JSON.parse(text!) as string);
  const [key, value] = xattr?.split("=") ?? [];
  const xattrs = key === undefined ? {} : { xattrs: new Map([[key, Buffer.from(value!, "hex")]]) };
  return { header: { ...common, name: name!, type: "file", size: bytes.length, ...xattrs }, content: () => [bytes] };
}
