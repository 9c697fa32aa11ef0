import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTar } from "./read-tar.ts";
import { tarEnd, tarHeader, tarPadding, writeTar } from "./write-tar.ts";
import type { TarHeader } from "./tar-header.ts";

type Member = { header: TarHeader; content: Buffer };

const plain: TarHeader = { name: "file", type: "file", mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0n };

async function write(members: readonly Member[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar(members.map(({ header, content }) => ({ header, content: () => [content] })))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function read(tar: Buffer, chunkSize = 700): Promise<Member[]> {
  async function* chunks() {
    for (let at = 0; at < tar.length; at += chunkSize) yield tar.subarray(at, at + chunkSize);
  }
  const members: Member[] = [];
  for await (const { header, body } of readTar(chunks())) {
    const parts: Buffer[] = [];
    for await (const part of body) parts.push(part);
    members.push({ header, content: Buffer.concat(parts) });
  }
  return members;
}

const fileOf = (name: string, content: Buffer | string, more: Partial<TarHeader> = {}): Member => {
  const bytes = Buffer.from(content);
  return { header: { ...plain, name, size: bytes.length, ...more }, content: bytes };
};

const byteName = fc.uint8Array({ minLength: 1, maxLength: 180 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x78 : byte))).toString("latin1"));
const anyFile = fc.record({
  name: fc.array(byteName, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  mtime: fc.bigInt({ min: -(10n ** 19n), max: 10n ** 20n }),
  content: fc.uint8Array({ maxLength: 1500 }),
  xattr: fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: undefined }),
}).map(({ name, mode, uid, gid, mtime, content, xattr }) =>
  fileOf(name, Buffer.from(content), { mode, uid, gid, mtime, ...(xattr === undefined ? {} : { xattrs: new Map([["user.any", Buffer.from(xattr)]]) }) }));

describe("a tar archive", () => {
  test("read again holds what was written, whatever the bytes of names, owners, times and attributes", async () => {
    await fc.assert(fc.asyncProperty(fc.array(anyFile, { maxLength: 5 }), fc.integer({ min: 1, max: 2000 }), async (members, chunkSize) => {
      expect(await read(await write(members), chunkSize)).toEqual(members);
    }), { numRuns: 150 });
  });

  test("holds links, devices and directories", async () => {
    const members: Member[] = [
      { header: { ...plain, name: "d", type: "directory", mode: 0o1777 }, content: Buffer.alloc(0) },
      { header: { ...plain, name: "s", type: "symlink", link: "x/".repeat(90) }, content: Buffer.alloc(0) },
      { header: { ...plain, name: "h", type: "hardlink", link: "s" }, content: Buffer.alloc(0) },
      { header: { ...plain, name: "b", type: "block", major: 259, minor: 1048575 }, content: Buffer.alloc(0) },
    ];
    expect(await read(await write(members))).toEqual(members);
  });

  test("is the same for Python's tarfile", async () => {
    const tar = await write([fileOf("a".repeat(150), "hello", { uid: 3_000_000, mtime: -1_500_000_000n }), fileOf("caf\xc3\xa9", "x")]);
    const script = "import sys,tarfile\nfor m in tarfile.open(fileobj=sys.stdin.buffer,mode='r|'): print(m.name,m.uid,m.mtime,m.size)";
    const said = execFileSync("python3", ["-c", script], { input: tar, env: { ...process.env, PYTHONIOENCODING: "utf8" } }).toString();
    expect(said).toBe(`${"a".repeat(150)} 3000000 -1.5 5\ncafé 0 0 1\n`);
  });

  test.each(["v7", "ustar", "gnu", "pax"])("of GNU tar's format %s is read", async (format) => {
    await inDirectory(async (directory) => {
      const name = format === "v7" || format === "ustar" ? "short" : "long".repeat(40);
      writeFileSync(join(directory, name), "content");
      const tar = execFileSync("tar", [`--format=${format}`, "-c", name], { cwd: directory });
      const [member] = await read(tar);
      expect([member?.header.name, member?.content.toString()]).toEqual([name, "content"]);
    });
  });

  test.each([["gnu", "0.0"], ["posix", "0.0"], ["posix", "0.1"], ["posix", "1.0"]])("of GNU tar's %s sparse format %s gives the holes as zeros", async (format, version) => {
    await inDirectory(async (directory) => {
      const path = join(directory, "sparse");
      const file = openSync(path, "w");
      for (let piece = 0; piece < 40; piece += 1) writeSync(file, Buffer.from(`piece ${piece}`), 0, undefined, piece * 65536);
      ftruncateSync(file, 4_000_000);
      closeSync(file);
      const tar = execFileSync("tar", [`--format=${format}`, "--sparse", `--sparse-version=${version}`, "-c", "sparse"], { cwd: directory, maxBuffer: 1e8 });
      const [member] = await read(tar);
      expect(member?.header.name).toBe("sparse");
      expect(member?.content.equals(readFileSync(path))).toBe(true);
    });
  });
});

describe("a hostile archive is refused:", () => {
  const withSize = (field: Buffer): Buffer => {
    const block = Buffer.from(tarHeader(plain));
    field.copy(block, 124);
    return summed(block);
  };

  test("cut within a content", async () => {
    const tar = await write([fileOf("f", Buffer.alloc(2000))]);
    await expect(read(tar.subarray(0, 1500))).rejects.toMatchObject({ code: "truncated" });
  });

  test("cut within a header", async () => {
    await expect(read(tarHeader(plain).subarray(0, 300))).rejects.toMatchObject({ code: "truncated" });
  });

  test("a wrong checksum", async () => {
    const block = Buffer.from(tarHeader(plain));
    block[0] = 0x41;
    await expect(read(Buffer.concat([block, tarEnd()]))).rejects.toMatchObject({ code: "damaged" });
  });

  test("a size beyond every file", async () => {
    await expect(read(withSize(Buffer.from("807fffffffffffffffffffff", "hex")))).rejects.toMatchObject({ code: "too-large" });
  });

  test("a negative size", async () => {
    await expect(read(withSize(Buffer.alloc(12, 0xff)))).rejects.toMatchObject({ code: "damaged" });
  });

  test("an extension header that would fill the memory", async () => {
    const block = Buffer.from(tarHeader({ ...plain, size: 2 ** 30 }));
    block.write("x", 156);
    await expect(read(summed(block))).rejects.toMatchObject({ code: "too-large" });
  });

  test("a PAX record whose length lies", async () => {
    const body = Buffer.from("99 path=x\n");
    const block = Buffer.from(tarHeader({ ...plain, size: body.length }));
    block.write("x", 156);
    await expect(read(Buffer.concat([summed(block), body, tarPadding(body.length)]))).rejects.toMatchObject({ code: "damaged" });
  });

  test("a content that is not as long as was said when writing", async () => {
    await expect(write([{ header: { ...plain, size: 3 }, content: Buffer.from("four") }])).rejects.toMatchObject({ code: "size-mismatch" });
  });
});

/** The header with the checksum of its bytes. */
function summed(block: Buffer): Buffer {
  block.write("        ", 148);
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "laminate-tar-"));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
