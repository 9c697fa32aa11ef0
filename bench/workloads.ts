import { createCipheriv } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { writeDebs } from "./debs.ts";
import { writeDockerfile } from "./dockerfile.ts";
import { writeNpmApp } from "./npm-app.ts";

/** The base images of the workloads, as every builder knows them; those that only some cases need are there for these. */
export interface Bases {
  readonly busybox: string;
  readonly debian?: string;
  /** Debian with Node and npm. */
  readonly node?: string;
}

export const WORKLOADS = ["hello", "chain", "parallel", "many", "big", "npm", "apt", "monorepo", "layers", "far"] as const;
export type Workload = (typeof WORKLOADS)[number];

const FILES = 50_000;
const MONOREPO = 200_000;
const BLOBS = 200;
const MIB = 1 << 20;

/**
 * Writes a build context into `directory` unless it is there already: the same bytes each time.
 * `scale` shrinks the number of files of `many`, `big`, `monorepo` and `far`.
 */
export function writeWorkload(workload: Workload, directory: string, bases: Bases, scale = 1): void {
  const stamp = path.join(`${directory}.written-${scale}`);
  if (existsSync(stamp)) return;
  mkdirSync(directory, { recursive: true });
  WRITERS[workload](directory, bases, scale);
  writeFileSync(stamp, "");
}

/** The file of a workload that is edited for "one file changed". */
export const EDITED = { many: manyFile(0), big: blobFile(0) } as const;

/** Overwrites the first eight bytes of a file in place: its size stays. */
export function edit(file: string, edition: number): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, String(edition).padStart(8, "0").slice(-8), 0);
  closeSync(descriptor);
}

const WRITERS: Readonly<Record<Workload, (directory: string, bases: Bases, scale: number) => void>> = {
  hello(directory, { busybox }) {
    writeDockerfile(directory, [`FROM ${busybox}`, "COPY index.html /www/index.html", 'RUN echo "hello world" > /message', 'CMD ["cat", "/message"]']);
    writeFileSync(path.join(directory, "index.html"), "<h1>hello</h1>\n");
  },
  chain: (directory, { debian }) => writeChain(directory, debian!, 30),
  parallel(directory, { busybox }) {
    const stages = [1, 2, 3, 4, 5, 6];
    writeDockerfile(directory, [
      ...stages.flatMap((stage) => [`FROM ${busybox} AS s${stage}`, `RUN sleep 2 && echo ${stage} > /o${stage}`]),
      `FROM ${busybox}`,
      ...stages.map((stage) => `COPY --from=s${stage} /o${stage} /o${stage}`),
    ]);
  },
  many: (directory, { busybox }, scale) => writeManyFiles(directory, busybox, Math.round(FILES * scale)),
  big: (directory, { busybox }, scale) => writeBigFiles(directory, busybox, Math.round(BLOBS * scale), 5),
  npm: (directory, { node }) => writeNpmApp(directory, node!),
  apt: (directory, { debian }) => writeDebs(directory, debian!),
  monorepo: (directory, { busybox }, scale) => writeManyFiles(directory, busybox, Math.round(MONOREPO * scale), { least: 4, most: 44, run: false }),
  layers: (directory, { debian }) => writeChain(directory, debian!, 120),
  far(directory, { busybox }, scale) {
    const parts = ["a", "b", "c", "d"];
    writeDockerfile(directory, [`FROM ${busybox}`, ...parts.map((part) => `COPY ${part} /${part}`)]);
    parts.forEach((part, index) => writeBlobs(path.join(directory, part), Math.max(1, Math.round(6 * scale)), 5, index));
  },
};

/** A chain of RUN instructions, each with a small change. */
export function writeChain(directory: string, base: string, length: number): void {
  const steps = Array.from({ length }, (_, index) => `RUN echo step${index} > /s${index} && cat /etc/passwd /s${index} > /dev/null`);
  writeDockerfile(directory, [`FROM ${base}`, ...steps]);
}

/**
 * Source files in directories of a thousandth each, and a RUN that sees them, unless not wanted. They have so many words of 17 bytes:
 * 0.6 to 8 KB each, 300 MB on the disk for 50,000.
 */
export function writeManyFiles(directory: string, base: string, count: number, { least, most, run } = { least: 40, most: 460, run: true }): void {
  writeDockerfile(directory, [`FROM ${base}`, "COPY . /app", ...(run ? ["RUN ls /app | wc -l > /count"] : [])]);
  const random = randomNumbers(7);
  const words = Array.from({ length: 4000 }, () => `${random(2 ** 32).toString(16)}${random(2 ** 32).toString(16)}`);
  for (let index = 0; index < count; index += 1) {
    const file = path.join(directory, manyFile(index));
    if (index < 1000) mkdirSync(path.dirname(file), { recursive: true });
    const text = Array.from({ length: least + random(most - least) }, () => words[random(words.length)]).join(" ");
    writeFileSync(file, text);
  }
}

/** The path of a file that {@link writeManyFiles} writes. */
export function manyFile(index: number): string {
  return `p${digits(index % 40, 2)}/d${digits(Math.floor(index / 40) % 25, 2)}/f${digits(index, 5)}.js`;
}

/** Copies files of `mebibytes` each, every other half mebibyte random, the others text. */
export function writeBigFiles(directory: string, base: string, count: number, mebibytes: number): void {
  writeDockerfile(directory, [`FROM ${base}`, "COPY . /data"]);
  writeBlobs(directory, count, mebibytes);
}

/** Other `seed`, other bytes. */
function writeBlobs(directory: string, count: number, mebibytes: number, seed = 0): void {
  mkdirSync(directory, { recursive: true });
  const random = randomNumbers(11 + seed);
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16, 11 + seed), Buffer.alloc(16));
  const words = Array.from({ length: 20_000 }, () => random(2 ** 32).toString(16) + random(256).toString(16));
  const text = Buffer.from(Array.from({ length: 200_000 }, () => words[random(words.length)]).join(" "));
  const zeros = Buffer.alloc(MIB / 2);
  for (let index = 0; index < count; index += 1) {
    const file = openSync(path.join(directory, blobFile(index)), "w");
    for (let mebibyte = 0; mebibyte < mebibytes; mebibyte += 1) {
      const from = random(text.length - MIB / 2);
      writeSync(file, noise.update(zeros));
      writeSync(file, text.subarray(from, from + MIB / 2));
    }
    closeSync(file);
  }
}

export function blobFile(index: number): string {
  return `blob${digits(index, 3)}.bin`;
}

/** Whole numbers below a bound, the same for the same seed: xorshift32. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 0x9e37_79b9;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
}

function digits(number: number, count: number): string {
  return String(number).padStart(count, "0");
}
