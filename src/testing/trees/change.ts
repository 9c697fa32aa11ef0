import * as fs from "node:fs";
import fc from "fast-check";
import { lsetxattr, mknod, setTimes } from "../../sys/files.ts";

/**
 * One thing done to a tree. `at` chooses among what is there: of the directories for a new entry, which gets `name`,
 * else of all entries; `other` likewise. So nearly every change does something, whatever came before it.
 */
export type Change = { readonly at: number } & (
  | { readonly do: "file"; readonly name: string; readonly text: string; readonly hole: number }
  | { readonly do: "directory" | "fifo" | "device"; readonly name: string }
  | { readonly do: "symlink"; readonly name: string; readonly to: string }
  | { readonly do: "link" | "rename"; readonly name: string; readonly other: number }
  | { readonly do: "append"; readonly text: string }
  | { readonly do: "remove" | "empty" | "become file" }
  | { readonly do: "mode"; readonly mode: number }
  | { readonly do: "owner"; readonly uid: number; readonly gid: number }
  | { readonly do: "time"; readonly time: bigint }
  | { readonly do: "xattr"; readonly key: string; readonly value: string }
);

/** Few names, so that changes meet one another: plain, not UTF-8, with what shells and tars stumble over, and as long as a name may be. */
const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom("a", "b", "c") }, { weight: 2, arbitrary: fc.constantFrom("\xff\xfe", "\xc3\xa9", "new\nline", " ", "wh.a", "back\\slash", "n".repeat(255)) });
/** A vfs_cap_data of version 2 with CAP_NET_BIND_SERVICE (linux/capability.h). */
const CAPABILITY = Buffer.from("0100000200040000000000000000000000000000", "hex").toString("latin1");

/** What a user namespace of 65536 ids cannot have is for root only. */
export function changes(root: boolean): fc.Arbitrary<readonly Change[]> {
  const at = fc.nat(10_000);
  const as = <T extends Change["do"]>(...words: readonly T[]) => fc.constantFrom(...words);
  const id = root ? fc.oneof(fc.constantFrom(0, 1000, 65534, 2 ** 21, 2 ** 32 - 2), fc.nat(2 ** 32 - 2)) : fc.constantFrom(0, 1000, 65534);
  // None is empty: in PAX an empty value says that there is none, and Go's readers take it so.
  const bytes = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), minLength: 1, maxLength: 300 });
  const xattr = fc.oneof(fc.record({ key: fc.constantFrom("user.x", "user.long", ...(root ? ["trusted.x"] : [])), value: bytes }), fc.constant({ key: "security.capability", value: CAPABILITY }));
  const change: fc.Arbitrary<Change> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ at, do: as("file"), name, text: fc.string({ maxLength: 40 }), hole: fc.constantFrom(0, 0, 0, 70_000) }) },
    { weight: 6, arbitrary: fc.record({ at, do: as("directory", "directory", "directory", "fifo", ...(root ? (["device"] as const) : [])), name }) },
    { weight: 1, arbitrary: fc.record({ at, do: as("symlink"), name, to: fc.constantFrom("a", "../b", "/etc/passwd", "\xff", "t/".repeat(120)) }) },
    { weight: 3, arbitrary: fc.record({ at, do: as("link", "rename"), name, other: at }) },
    { weight: 3, arbitrary: fc.record({ at, do: as("remove", "empty", "become file") }) },
    { weight: 1, arbitrary: fc.record({ at, do: as("append"), text: fc.string({ maxLength: 9 }) }) },
    { weight: 2, arbitrary: fc.record({ at, do: as("mode"), mode: fc.nat(0o7777) }) },
    { weight: 2, arbitrary: fc.record({ at, do: as("owner"), uid: id, gid: id }) },
    { weight: 2, arbitrary: fc.record({ at, do: as("time"), time: fc.bigInt({ min: -(2n ** 31n) * 1_000_000_000n, max: 2n ** 33n * 1_000_000_000n }) }) },
    { weight: 2, arbitrary: fc.tuple(at, xattr).map(([place, { key, value }]) => ({ at: place, do: "xattr" as const, key, value })) },
  );
  return fc.array(change, { minLength: 1, maxLength: 40 });
}

/** Does the changes one after the other below `root`; one that the file system refuses changes nothing. */
export function applyChanges(root: string, list: readonly Change[]): void {
  for (const change of list) {
    try {
      applyChange(root, change);
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error)) throw error;
    }
  }
}

function applyChange(root: string, change: Change): void {
  const entries = walk(Buffer.from(root));
  const found = (at: number): Buffer => {
    if (entries.length === 0) throw Object.assign(new Error("nothing is there"), { code: "ENOENT" });
    return entries[at % entries.length]!;
  };
  if ("name" in change) {
    const directories = [Buffer.from(root), ...entries.filter((entry) => fs.lstatSync(entry).isDirectory())];
    return make(join(directories[change.at % directories.length]!, Buffer.from(change.name, "latin1")), change, found);
  }
  const at = found(change.at);
  switch (change.do) {
    case "append": {
      const file = fs.openSync(at, fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
      fs.writeSync(file, change.text);
      return fs.closeSync(file);
    }
    case "remove":
      return fs.rmSync(at, { recursive: true });
    case "empty":
      // Removed and made again: opaque where a lower layer has it.
      fs.rmSync(at, { recursive: true });
      return void fs.mkdirSync(at);
    case "become file":
      fs.rmSync(at, { recursive: true });
      return fs.writeFileSync(at, "a file now");
    case "mode":
      return fs.lstatSync(at).isSymbolicLink() ? undefined : fs.chmodSync(at, change.mode);
    case "owner":
      return fs.lchownSync(at, change.uid, change.gid);
    case "time":
      return setTimes(at, change.time);
    case "xattr":
      return lsetxattr(at, change.key, Buffer.from(change.value, "latin1"));
  }
}

function make(at: Buffer, change: Extract<Change, { readonly name: string }>, found: (at: number) => Buffer): void {
  switch (change.do) {
    case "file": {
      const file = fs.openSync(at, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
      fs.writeSync(file, change.text, change.hole);
      return fs.closeSync(file);
    }
    case "directory":
      return void fs.mkdirSync(at);
    case "fifo":
      return mknod(at, 0o010644, 0, 0);
    case "device":
      return mknod(at, 0o020600, 1, 3);
    case "symlink":
      return fs.symlinkSync(Buffer.from(change.to, "latin1"), at);
    case "link":
      return fs.linkSync(found(change.other), at);
    case "rename":
      return fs.renameSync(found(change.other), at);
  }
}

/** Every path below a directory, sorted. */
function walk(directory: Buffer): Buffer[] {
  const names = fs.readdirSync(directory, { encoding: "buffer" }).sort(Buffer.compare);
  return names.flatMap((entry) => {
    const path = join(directory, entry);
    return [path, ...(fs.lstatSync(path).isDirectory() ? walk(path) : [])];
  });
}

function join(directory: Buffer, entry: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from("/"), entry]);
}
