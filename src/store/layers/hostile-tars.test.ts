import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paxRecordsText } from "../../archive/pax-records.ts";
import { tarEnd, tarHeader, tarPadding, writeTar, type TarSource } from "../../archive/write-tar.ts";
import type { TarHeader } from "../../archive/tar-header.ts";
import { ImageRig } from "../../testing/images.ts";
import { layoutOf } from "../../testing/oci-layout.ts";
import { openStore, type Store } from "../store.ts";
import { unpackLayer } from "./unpack.ts";

/* Tars that want out, or to cost more than they are worth: each is refused with nothing kept, or does the harmless thing that umoci does. */

const plain: TarHeader = { name: "f", type: "file", mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0n };
const file = (name: string, text = ""): TarSource => ({ header: { ...plain, name, size: text.length }, content: () => [Buffer.from(text)] });
const directory = (name: string): TarSource => ({ header: { ...plain, name, type: "directory", mode: 0o755 } });
const link = (name: string, target: string, type: "symlink" | "hardlink" = "symlink"): TarSource => ({ header: { ...plain, name, type, link: target } });

async function tarOf(...members: readonly TarSource[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A header block with other bytes at some place, its checksum made right again. */
function patched(header: TarHeader, at: number, bytes: string | Buffer): Buffer {
  const block = Buffer.from(tarHeader(header));
  Buffer.from(bytes).copy(block, at);
  block.write("        ", 148);
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** An extension member (`x`, `g`, `L`, `K`) with its body. */
function extension(flag: string, body: Buffer): Buffer {
  return Buffer.concat([patched({ ...plain, name: "extension", size: body.length }, 156, flag), body, tarPadding(body.length)]);
}

const pax = (...records: readonly (readonly [string, string])[]) => extension("x", Buffer.from(paxRecordsText(records), "latin1"));
const empty = tarHeader(plain);
const deep = "a/".repeat(1_000_000);

/** What is refused, and in which words. */
const REFUSED: readonly (readonly [what: string, tar: () => Buffer | Promise<Buffer>, words: RegExp])[] = [
  ["a name with ..", () => tarOf(file("../../evil", "x")), /"..\/..\/evil" climbs out with ".."/],
  ["a name with .. in the middle", () => tarOf(directory("a"), file("a/../../evil", "x")), /climbs out/],
  ["a file below a symlink that leads out", () => tarOf(link("out", "/tmp"), file("out/evil", "x")), /"out\/evil" of the layer lies below "out", which is a symlink/],
  ["a file below a symlink that stands later", () => tarOf(file("out/evil", "x"), link("out", "/tmp")), /lies below "out", which is a symlink/],
  ["a file below a symlink deep down", () => tarOf(directory("a"), link("a/b", "../.."), directory("a/b/c"), file("a/b/c/evil")), /lies below "a\/b", which is a symlink/],
  ["a whiteout below a symlink", () => tarOf(link("out", "/tmp"), file("out/.wh.evil")), /lies below "out"/],
  ["a hard link to a file outside", () => tarOf(link("evil", "../../etc/shadow", "hardlink")), /climbs out/],
  ["a hard link to an absolute file that the layer lacks", () => tarOf(link("evil", "/etc/shadow", "hardlink")), /is a hard link to "etc\/shadow", which is no file of the layer/],
  ["a hard link through a symlink", () => tarOf(link("out", "/etc"), link("evil", "out/shadow", "hardlink")), /is a hard link to "out\/shadow", which is no file/],
  ["a hard link to itself", () => tarOf(link("evil", "evil", "hardlink")), /hard link to "evil"/],
  ["a hard link to a directory", () => tarOf(directory("d"), link("evil", "d", "hardlink")), /which is no file of the layer/],
  ["a whiteout of ..", () => tarOf(directory("a"), file("a/.wh...")), /a whiteout that names nothing/],
  ["a whiteout of .", () => tarOf(file(".wh..")), /a whiteout that names nothing/],
  ["a whiteout without a name", () => tarOf(file("a/.wh.")), /a whiteout that names nothing/],
  ["an entry below a file", () => tarOf(file("f", "x"), file("f/evil", "x")), /"f\/evil" of the layer lies below "f", which is a file/],
  ["a file in place of the root", () => tarOf(link("./", "/tmp")), /would replace the root directory/],
  ["a size beyond every file", () => patched(plain, 124, Buffer.from("807fffffffffffffffffffff", "hex")), /size .* is beyond what any file can have/],
  ["a size beyond every file in PAX", () => Buffer.concat([pax(["size", "9223372036854775807"]), empty, tarEnd()]), /size .* is beyond/],
  ["a negative size", () => patched(plain, 124, Buffer.alloc(12, 0xff)), /has the size -1/],
  ["a negative size in PAX", () => Buffer.concat([pax(["size", "-5"]), empty, tarEnd()]), /has the size -5/],
  ["a negative owner", () => Buffer.concat([pax(["uid", "-1"]), empty, tarEnd()]), /has the uid -1/],
  ["a PAX header that says it is endless", () => patched({ ...plain, size: 2 ** 32 }, 156, "x"), /extension header claims 4294967296 bytes/],
  ["global PAX headers without end", () => Buffer.concat(Array.from({ length: 20 }, (_, at) => extension("g", Buffer.from(paxRecordsText([[`key${at}`, "v".repeat(100_000)]]), "latin1")))), /global PAX headers hold \d+ bytes/],
  ["a PAX record whose length lies", () => extension("x", Buffer.from("99 path=x\n")), /no valid record/],
  ["a GNU long name without end", () => patched({ ...plain, name: "././@LongLink", size: 2 ** 31 }, 156, "L"), /extension header claims 2147483648 bytes/],
  ["a GNU long name that is cut", () => patched({ ...plain, name: "././@LongLink", size: 1000 }, 156, "L"), /the archive ends within an extension header/],
  ["a million directories in one another", () => Buffer.concat([extension("L", Buffer.from(deep.slice(0, 1 << 20))), empty, tarEnd()]), /has a name longer than Linux allows/],
  ["a name of 300 bytes", () => tarOf(file("n".repeat(300))), /has a name longer than Linux allows/],
  ["a NUL in a PAX name", () => Buffer.concat([pax(["path", "a\0b"]), empty, tarEnd()]), /has a NUL in its name/],
  ["a NUL in a link", () => Buffer.concat([pax(["linkpath", "a\0b"]), tarHeader({ ...plain, type: "symlink", link: "x" }), tarEnd()]), /has a NUL in its name or link/],
  ["a content that is cut", async () => (await tarOf(file("f", "x".repeat(5000)))).subarray(0, 3000), /the archive ends within the content of "f"/],
  ["a header that is cut", () => empty.subarray(0, 100), /the archive ends within a header/],
  ["a wrong checksum", () => Buffer.concat([Buffer.from("A"), empty.subarray(1), tarEnd()]), /no tar archive, or a damaged one/],
  ["a type that nobody knows", () => patched(plain, 156, "Z"), /unknown type "Z"/],
  ["a sparse file of exabytes", () => Buffer.concat([pax(["GNU.sparse.major", "0"], ["GNU.sparse.minor", "1"], ["GNU.sparse.size", "1152921504606846975"], ["GNU.sparse.map", ""]), empty, tarEnd()]), /beyond what any file can have|a sparse file claims/],
];

/** What is taken, as umoci takes it. */
const HARMLESS: readonly (readonly [what: string, tar: () => Buffer | Promise<Buffer>, found: readonly string[]])[] = [
  ["an absolute name is one below the root", () => tarOf(directory("/a"), file("/a/f", "x")), ["d ./a", "f ./a/f x"]],
  ["an absolute symlink stays as it is", () => tarOf(link("l", "/etc/passwd")), ["l ./l -> /etc/passwd"]],
  ["a symlink out stays as it is", () => tarOf(link("l", "../../../etc/passwd")), ["l ./l -> ../../../etc/passwd"]],
  ["a hard link to a symlink is that symlink", () => tarOf(link("l", "/etc/shadow"), link("h", "l", "hardlink")), ["l ./h -> /etc/shadow", "l ./l -> /etc/shadow"]],
  ["the last of several members of a name wins", () => tarOf(file("f", "1"), file("f", "2")), ["f ./f 2"]],
  ["a symlink after a file replaces it, and is not followed", () => tarOf(file("f", "1"), link("f", "/tmp/evil")), ["l ./f -> /tmp/evil"]],
  ["a file after a symlink replaces it, and does not follow it", () => tarOf(link("f", "/tmp/evil"), file("f", "2")), ["f ./f 2"]],
  ["a directory that comes again keeps what is in it", () => tarOf(directory("d"), file("d/f", "x"), directory("d")), ["d ./d", "f ./d/f x"]],
  ["directories that are missing are made", () => tarOf(file("a/b/f", "x")), ["d ./a", "d ./a/b", "f ./a/b/f x"]],
  ["aufs's own files are left out", () => tarOf(directory(".wh..wh.plnk"), file(".wh..wh.aufs"), file("f", "x")), ["f ./f x"]],
];

describe("a hostile tar", () => {
  const place = mkdtempSync(join(tmpdir(), "laminate-hostile-"));
  let store: Store;
  beforeAll(async () => {
    store = await openStore(join(place, "inner", "store"));
    writeFileSync(join(place, "guard"), "untouched");
  });
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    rmSync(place, { recursive: true, force: true });
  });

  test.each(REFUSED)("with %s is refused, and nothing of it is kept", async (_, tar, words) => {
    const before = listing(place);
    await expect(store.layers.putTar(Readable.from([await tar()]) as AsyncIterable<Buffer>)).rejects.toThrow(words);
    expect(listing(place)).toEqual(before);
  });

  test.each(HARMLESS)("with harmless tricks: %s", async (_, tar, found) => {
    const bytes = await tar();
    const diffId = await store.layers.putTar(Readable.from([bytes]) as AsyncIterable<Buffer>);
    const target = await store.layers.directory(diffId, "trusted", (layer, to) => unpackLayer(layer, to, { dialect: "trusted", owners: false }));
    expect(seen(target)).toEqual(found);
    if (hasUmoci()) expect(umociView(bytes, mkdtempSync(join(place, "umoci-")))).toEqual(found);
    expect(readFileSync(join(place, "guard"), "utf8")).toBe("untouched");
  });

  test("is refused by every way in with the same words, exit 1 and no image", async () => {
    await using rig = new ImageRig();
    const bytes = await tarOf(link("out", "/tmp"), file("out/evil", "x"));
    const said = expect.stringContaining('"out/evil" of the layer lies below "out", which is a symlink') as unknown;
    expect(await rig.run(["import", "-", "evil"], [bytes])).toMatchObject({ code: 1, err: said });
    expect(await rig.run(["load"], [dockerArchive(bytes, join(place, "archive"))])).toMatchObject({ code: 1, err: said });
    const context = join(place, "context");
    mkdirSync(context);
    writeFileSync(join(context, "evil.tar"), bytes);
    writeFileSync(join(context, "Dockerfile"), "FROM scratch\nADD evil.tar /\n");
    expect(await rig.run(["build", "--progress=plain", "-t", "evil", context])).toMatchObject({ code: 1, err: said });
    expect(await rig.run(["build", "--progress=plain", "-t", "evil", "-"], [bytes])).toMatchObject({ code: 1, err: said });
    expect(await rig.ok(["images", "-q"])).toBe("");
    expect(readdirSync(join(rig.root, "layers"))).toEqual([]);
  });
});

/** Every path below a directory, but for the database and its helpers. */
function listing(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => !/records\.sqlite|\/tmp\//.test(name)).sort();
}

/** A tree as lines. */
function seen(root: string): readonly string[] {
  const lines = execFileSync("find", [".", "-mindepth", "1", "-type", "l", "-printf", "l %p -> %l\\n", "-o", "-mindepth", "1", "-type", "d", "-printf", "d %p\\n", "-o", "-type", "f", "-printf", "f %p ", "-exec", "cat", "{}", ";", "-printf", "\\n"], { cwd: root, encoding: "utf8" });
  return lines.split("\n").filter((line) => line !== "").sort();
}

function hasUmoci(): boolean {
  try {
    execFileSync("umoci", ["--version"], { stdio: "ignore" });
    return process.geteuid?.() === 0;
  } catch {
    return false;
  }
}

/** What umoci makes of an image of this one layer. */
function umociView(layer: Buffer, work: string): readonly string[] {
  const layout = layoutOf([layer], join(work, "layout"));
  execFileSync("umoci", ["raw", "unpack", "--image", `${layout}:x`, join(work, "rootfs")], { stdio: "pipe" });
  return seen(join(work, "rootfs"));
}

/** A docker archive of one layer, as `docker save` writes it. */
function dockerArchive(layer: Buffer, work: string): Buffer {
  mkdirSync(work);
  const hex = createHash("sha256").update(layer).digest("hex");
  writeFileSync(join(work, "layer.tar"), layer);
  writeFileSync(join(work, "config.json"), JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [`sha256:${hex}`] } }));
  writeFileSync(join(work, "manifest.json"), JSON.stringify([{ Config: "config.json", RepoTags: ["evil:1"], Layers: ["layer.tar"] }]));
  return execFileSync("tar", ["-C", work, "-c", "."]);
}
