import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, closeSync, createReadStream, ftruncateSync, lstatSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { BytePath } from "../../base/byte-path.ts";
import { indexOf } from "../../store/layers/ingest-tar.ts";
import { lgetxattr } from "../../sys/files.ts";
import { describeTree } from "./describe-tree.ts";
import { randomLayer } from "./random-layer.ts";
import { item, type ErofsRig, type Item } from "./rig.ts";

/** What holds for a layer mounted in place, where the kernel can do that. */
export interface Scenario {
  readonly name: string;
  run(rig: ErofsRig): Promise<void>;
}

const scenario = (name: string, run: Scenario["run"]): Scenario => ({ name, run });

/** VFS_CAP_REVISION_2, effective: CAP_NET_RAW. */
const NET_RAW = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** An access control list as the kernel's attributes hold it: version 2, then tag, permissions and id of each entry. */
function acl(...entries: readonly (readonly [tag: number, permissions: number, id?: number])[]): Buffer {
  const list = Buffer.alloc(4 + 8 * entries.length);
  list.writeUInt32LE(2, 0);
  entries.forEach(([tag, permissions, id = 0xffffffff], at) => {
    list.writeUInt16LE(tag, 4 + 8 * at);
    list.writeUInt16LE(permissions, 6 + 8 * at);
    list.writeUInt32LE(id, 8 + 8 * at);
  });
  return list;
}

async function compare(rig: ErofsRig, items: readonly Item[]): Promise<void> {
  const tar = await rig.tar(items);
  const [mounted, unpacked] = [await rig.mountTar(tar), await rig.unpack(tar)];
  // The temporary directory that stands for the root of an unpacked layer has its own times where the layer has none.
  const from = items.some(({ entry }) => entry.path === "") ? 0 : 1;
  assert.deepEqual(describeTree(mounted).slice(from), describeTree(unpacked).slice(from));
  rig.unmountAll();
}

export const SCENARIOS: readonly Scenario[] = [
  scenario("a layer mounted in place is what the same layer is unpacked, over random layers", async (rig) => {
    await fc.assert(fc.asyncProperty(randomLayer, (items) => compare(rig, items)), { numRuns: 60, endOnFailure: true });
  }),
  scenario("the layer's own root has its mode, owner and time", async (rig) => {
    await compare(rig, [item("", "directory", { mode: 0o1700, uid: 12, gid: 3_000_000_000, mtime: -1n })]);
  }),
  scenario("a layer without a root or without anything is a plain directory", async (rig) => {
    const mounted = await rig.mountTar(await rig.tar([]));
    assert.deepEqual([readdirSync(mounted), statSync(mounted).mode, statSync(mounted).mtimeMs], [[], 0o40755, 0]);
  }),
  scenario("access control lists are there, of a directory the one for new files too", async (rig) => {
    const list = acl([1, 7], [2, 5, 1234], [4, 5], [0x10, 7], [0x20, 0]);
    const xattrs = new Map([["system.posix_acl_access", list], ["system.posix_acl_default", list]]);
    await compare(rig, [item("d", "directory", { mode: 0o770, xattrs }), item("d/f", "file", { mode: 0o770, bytes: "x", xattrs: new Map([["system.posix_acl_access", list]]) })]);
  }),
  scenario("a directory of thousands of names is found by each of them", async (rig) => {
    await compare(rig, Array.from({ length: 5000 }, (_, at) => item(`many/${"n".repeat(at % 90)}${at}`, "file", { bytes: String(at) })));
  }),
  scenario("contents lie in several files at once", async (rig) => {
    const items = [item("a", "file", { bytes: "first" }), item("b", "file", { bytes: "x".repeat(5000) }), item("c", "file", { bytes: "third" })];
    const tars = await Promise.all(items.map((one) => rig.tar([one])));
    const entries = await Promise.all(tars.map((tar) => indexOf(createReadStream(tar))));
    const mounted = rig.mount({ entries: entries.flat(), devices: tars.map((tar) => ({ size: statSync(tar).size })), place: ({ path, offset }) => ({ device: "abc".indexOf(path), offset: offset! }) }, tars);
    assert.deepEqual(["a", "b", "c"].map((name) => readFileSync(join(mounted, name), "utf8")), ["first", "x".repeat(5000), "third"]);
  }),
  scenario("a file of more than 4 GiB is read at its end, and the file behind it too", async (rig) => {
    const size = 5 * 2 ** 30 + 7;
    const behind = 5 * 2 ** 30 + 1024;
    const device = join(rig.fresh("device"), "tar");
    const file = openSync(device, "w+");
    writeSync(file, "the end", 512 + size - 7);
    writeSync(file, "behind", behind);
    ftruncateSync(file, behind + 512);
    closeSync(file);
    const entries = [item("behind", "file", { size: 6, offset: behind }).entry, item("large", "file", { size, offset: 512 }).entry];
    const mounted = rig.mount({ entries, devices: [{ size: behind + 512 }] }, [device]);
    const large = openSync(join(mounted, "large"), "r");
    const end = Buffer.alloc(20);
    assert.equal(readSync(large, end, 0, 20, size - 7), 7);
    closeSync(large);
    assert.equal(end.toString("utf8", 0, 7), "the end");
    assert.equal(lstatSync(join(mounted, "large")).size, size);
    assert.equal(readFileSync(join(mounted, "behind"), "utf8"), "behind");
  }),
  scenario("in a stack of three, whiteouts delete and opaque directories hide", async (rig) => {
    const lowest = [item("gone", "file", { bytes: "1" }), item("kept", "file", { bytes: "1" }), item("dir/old", "file", { bytes: "1" }), item("tree/a/b", "file", { bytes: "1" })];
    const middle = [item("gone", "whiteout"), item("dir", "directory", { opaque: true }), item("dir/new", "file", { bytes: "2" }), item("tree/a", "whiteout")];
    const upper = [item("tree/a/c", "file", { bytes: "3" }), item("kept", "file", { bytes: "3" })];
    const lowers = await Promise.all([lowest, middle, upper].map(async (items) => rig.mountTar(await rig.tar(items))));
    const { merged } = rig.overlay(lowers);
    const names = execFileSync("find", [".", "-type", "f"], { cwd: merged, encoding: "utf8" }).trim().split("\n").sort();
    assert.deepEqual(names, ["./dir/new", "./kept", "./tree/a/c"]);
    assert.equal(readFileSync(join(merged, "kept"), "utf8"), "3");
    rig.unmountAll();
  }),
  scenario("an image lies between unpacked layers", async (rig) => {
    const [below, above] = await Promise.all([[item("a", "file", { bytes: "1" }), item("b", "file", { bytes: "1" })], [item("b", "file", { bytes: "3" })]].map(async (items) => rig.unpack(await rig.tar(items))));
    const between = await rig.mountTar(await rig.tar([item("a", "whiteout"), item("c", "file", { bytes: "2" })]));
    const { merged } = rig.overlay([below!, between, above!]);
    assert.deepEqual(readdirSync(merged).map((name) => name + readFileSync(join(merged, name), "utf8")), ["b3", "c2"]);
    rig.unmountAll();
  }),
  scenario("a file that a step changes is copied up with its attributes", async (rig) => {
    const lower = await rig.mountTar(await rig.tar([item("d/file", "file", { bytes: "old", mode: 0o4751, uid: 70_000, gid: 5, xattrs: new Map([["user.kept", Buffer.from([0, 255])]]) })]));
    const { merged, upper } = rig.overlay([lower]);
    appendFileSync(join(merged, "d/file"), " new");
    chmodSync(join(merged, "d/file"), 0o4751); // a write takes setuid away, as anywhere
    const copied = lstatSync(join(upper, "d/file"));
    assert.deepEqual([copied.mode, copied.uid, copied.gid], [0o104751, 70_000, 5]);
    assert.equal(readFileSync(join(upper, "d/file"), "utf8"), "old new");
    assert.deepEqual(lgetxattr(join(upper, "d/file"), "user.kept"), Buffer.from([0, 255]));
    rig.unmountAll();
  }),
  scenario("a program with a file capability has it, in place and after it was copied up", async (rig) => {
    const program = readFileSync("/bin/busybox");
    const lower = await rig.mountTar(await rig.tar([item("busybox", "file", { bytes: program, mode: 0o755, xattrs: new Map([["security.capability", NET_RAW]]) })]));
    const { merged, upper } = rig.overlay([lower]);
    const capabilities = () => execFileSync("setpriv", ["--reuid", "2345", "--clear-groups", "--inh-caps=-all", join(merged, "busybox"), "grep", "CapEff", "/proc/self/status"], { encoding: "utf8" });
    assert.match(capabilities(), /0000000000002000/);
    chmodSync(join(merged, "busybox"), 0o555);
    assert.deepEqual(lgetxattr(join(upper, "busybox"), "security.capability"), NET_RAW);
    assert.match(capabilities(), /0000000000002000/);
    rig.unmountAll();
  }),
  scenario("more than a hundred images are one stack", async (rig) => {
    const lowers = await Promise.all(Array.from({ length: 120 }, async (_, at) => rig.mountTar(await rig.tar([item(`f${at}`, "file", { bytes: `${at}` }), item("top" as BytePath, "file", { bytes: `${at}` })]))));
    const { merged } = rig.overlay(lowers);
    assert.equal(readdirSync(merged).length, 121);
    assert.equal(readFileSync(join(merged, "top"), "utf8"), "119");
    rig.unmountAll();
  }),
];
