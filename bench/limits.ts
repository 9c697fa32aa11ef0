import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, copyFileSync, fsyncSync, lstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { lstat as promisedLstat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { deflateRaw, inflateRawSync } from "node:zlib";
import { BlockCompressor } from "../src/archive/block-compressor.ts";
import { NODE } from "./builders.ts";
import { writeBigFiles } from "./workloads.ts";

/** What this machine can do at best, in seconds: what no builder that does the same work in Node with its tools goes below. */
export interface Limits {
  readonly cores: number;
  /** `node -e 0`. */
  readonly nodeStart: number;
  /** The OCI runtime, from its start until `true` in a container has ended. */
  readonly container: number;
  /** lstat of a file, and opening, reading and closing one of 4 KB, all in memory. */
  readonly lstat: number;
  readonly promisedLstat: number;
  readonly readFile: number;
  /** Making a file of 4 KB. */
  readonly makeFile: number;
  /** For each byte, on one core, from memory: sha256, writing without and with a sync at the end. */
  readonly hash: number;
  readonly write: number;
  readonly writeSynced: number;
  /** For each byte of files half random and half text: deflate at level 6 in blocks on all cores, inflate on one core. */
  readonly deflate: number;
  readonly inflate: number;
  /** The same by libdeflate at its level 1, and for the text alone: what is random is best stored as it is. */
  readonly deflateText: number;
  /** How much smaller deflate makes such files: the part that is left. */
  readonly deflated: number;
}

const MIB = 1 << 20;
const FILES = 50_000;
const BYTES = 300 * MIB;
const BLOBS = 256;
const START_TRIES = 10;

/** Measures all of them below a directory, in some ten seconds. */
export async function measureLimits(parent: string): Promise<Limits> {
  const directory = mkdtempSync(path.join(parent, "limits-"));
  try {
    return { cores: availableParallelism(), nodeStart: best(START_TRIES, () => void execFileSync(NODE, ["-e", "0"])), container: container(directory), ...(await smallFiles(directory)), ...largeFile(directory), ...(await deflating(directory)) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As a table: what was measured, for how much work. */
export function limitsTable(limits: Limits): readonly (readonly [what: string, figure: string])[] {
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  const milliseconds = (value: number) => `${(value * 1000).toFixed(0)} ms`;
  return [
    ["Node's start (`node -e 0`)", milliseconds(limits.nodeStart)],
    ["a container of the OCI runtime, `true` in it", milliseconds(limits.container)],
    ["50,000 lstats", seconds(limits.lstat * FILES)],
    ["50,000 lstats through `fs.promises`, 100 at once", seconds(limits.promisedLstat * FILES)],
    ["opening and reading 50,000 files of 4 KB", seconds(limits.readFile * FILES)],
    ["making 50,000 files of 4 KB", seconds(limits.makeFile * FILES)],
    ["sha256 of 300 MB, one core", seconds(limits.hash * 300e6)],
    ["writing 300 MB, to memory", seconds(limits.write * 300e6)],
    ["writing 300 MB, until it is on the disk", seconds(limits.writeSynced * 300e6)],
    [`deflate level 6 of 1 GB, ${limits.cores} cores (measured on ${BLOBS} MB, half random, half text; ${(limits.deflated * 100).toFixed(0)} % is left)`, seconds(limits.deflate * 1e9)],
    ["the same by libdeflate at level 1, the random half stored as it is", seconds((limits.deflateText * 1e9) / 2)],
    ["inflate of that 1 GB, one core", seconds(limits.inflate * 1e9)],
  ];
}

async function smallFiles(parent: string): Promise<Pick<Limits, "lstat" | "promisedLstat" | "readFile" | "makeFile">> {
  const directory = path.join(parent, "small");
  mkdirSync(directory);
  const names = Array.from({ length: FILES }, (_, index) => path.join(directory, String(index)));
  const content = Buffer.alloc(4096, "content ");
  const makeFile = timed(() => names.forEach((name) => writeFileSync(name, content)));
  const lstat = best(3, () => names.forEach((name) => lstatSync(name)));
  const began = performance.now();
  const rest = names.values();
  await Promise.all(Array.from({ length: 100 }, async () => {
    for (const name of rest) await promisedLstat(name);
  }));
  const promised = (performance.now() - began) / 1000;
  const buffer = Buffer.alloc(64 << 10);
  const readFile = best(3, () => {
    for (const name of names) {
      const file = openSync(name, "r");
      readSync(file, buffer);
      closeSync(file);
    }
  });
  rmSync(directory, { recursive: true });
  return { lstat: lstat / FILES, promisedLstat: promised / FILES, readFile: readFile / FILES, makeFile: makeFile / FILES };
}

function largeFile(directory: string): Pick<Limits, "hash" | "write" | "writeSynced"> {
  const name = path.join(directory, "large");
  const block = createHash("sha512").update("block").digest().toString("latin1").repeat(MIB / 64);
  const bytes = Buffer.from(block, "latin1");
  spawnSync("sync");
  const file = openSync(name, "w");
  const write = timed(() => { for (let done = 0; done < BYTES; done += MIB) writeSync(file, bytes); });
  const sync = timed(() => fsyncSync(file));
  closeSync(file);
  const hash = best(3, () => {
    const [reading, digest, buffer] = [openSync(name, "r"), createHash("sha256"), Buffer.alloc(MIB)];
    for (let read = MIB; read === MIB; ) digest.update(buffer.subarray(0, (read = readSync(reading, buffer))));
    closeSync(reading);
    digest.digest();
  });
  rmSync(name);
  return { hash: hash / BYTES, write: write / BYTES, writeSynced: (write + sync) / BYTES };
}

/** Of what the large workload consists of: every other half MiB is random, the others text. */
async function deflating(parent: string): Promise<Pick<Limits, "deflate" | "inflate" | "deflateText" | "deflated">> {
  const directory = path.join(parent, "blobs");
  writeBigFiles(directory, "scratch", 1, BLOBS);
  const content = readFileSync(path.join(directory, "blob000.bin"));
  const blocks = (from: number, every: number) => Array.from({ length: content.length / every }, (_, index) => content.subarray(from + index * every, (index + 1) * every));
  const deflate = async (these: readonly Buffer[], level: number) => {
    const began = performance.now();
    const deflated = await Promise.all(these.map((block) => promisify(deflateRaw)(block, { level }))); // on the thread pool
    const bytes = these.reduce((sum, block) => sum + block.length, 0);
    return { deflated, each: (performance.now() - began) / 1000 / bytes };
  };
  const { deflated, each } = await deflate(blocks(0, MIB), 6);
  const text = blocks(MIB / 2, MIB);
  await using compressor = new BlockCompressor(availableParallelism());
  const compress = async (block: Buffer) => {
    const room = compressor.take();
    const length = block.copy(room);
    compressor.free((await compressor.compress(room.subarray(0, length))).data);
  };
  for (const block of text.slice(0, 16)) await compress(block); // its threads are there then
  const began = performance.now();
  await Promise.all(text.map(compress));
  const deflateText = (performance.now() - began) / 1000 / (text.length * (MIB / 2));
  const inflate = timed(() => deflated.forEach((block) => inflateRawSync(block, { chunkSize: 2 * MIB })));
  return { deflate: each, deflateText, inflate: inflate / content.length, deflated: deflated.reduce((sum, block) => sum + block.length, 0) / content.length };
}

/** With the first runtime that is here. NaN without one, or without busybox to put into it. */
function container(parent: string): number {
  const found = spawnSync("sh", ["-c", "command -v runc || command -v crun; command -v busybox"], { encoding: "utf8" }).stdout.trim().split("\n");
  if (found.length !== 2) return NaN;
  const [runtime, busybox] = found as [string, string];
  const bundle = path.join(parent, "bundle");
  mkdirSync(path.join(bundle, "rootfs/bin"), { recursive: true });
  copyFileSync(busybox, path.join(bundle, "rootfs/bin/busybox"));
  execFileSync("chmod", ["755", path.join(bundle, "rootfs/bin/busybox")]);
  symlinkSync("busybox", path.join(bundle, "rootfs/bin/true"));
  execFileSync(runtime, ["spec"], { cwd: bundle });
  const config = JSON.parse(readFileSync(path.join(bundle, "config.json"), "utf8")) as { process: { terminal: boolean; args: string[] } };
  writeFileSync(path.join(bundle, "config.json"), JSON.stringify({ ...config, process: { ...config.process, terminal: false, args: ["true"] } }));
  return best(START_TRIES, () => void execFileSync(runtime, ["--root", path.join(parent, "state"), "run", "--bundle", bundle, `laminate-bench-${process.pid}`], { stdio: ["ignore", "ignore", "inherit"] }));
}

function best(tries: number, action: () => void): number {
  return Math.min(...Array.from({ length: tries }, () => timed(action)));
}

function timed(action: () => void): number {
  const began = performance.now();
  action();
  return (performance.now() - began) / 1000;
}
