import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { changeLastStep, writeDockerfile } from "./dockerfile.ts";
import { writeNpmDockerfile } from "./npm-app.ts";
import type { Round } from "./round.ts";
import { SlowDisk } from "./slow-disk.ts";
import { blobFile, edit, manyFile } from "./workloads.ts";

/* What people live with day after day; each function is one round with one builder, from nothing cached. */

/** An app whose packages come from its lock file, and one source file that changes. */
export async function npm(round: Round, tag: string): Promise<void> {
  const context = round.context("npm");
  writeNpmDockerfile(context, round.bench.bases.node!);
  await coldThenCached("npm", round, context, tag);
  writeFileSync(path.join(context, "src/part000.js"), `export default ${round.edition()};\n`);
  await round.measure("npm changed", round.builder.build(context, tag));
}

export async function apt(round: Round, tag: string): Promise<void> {
  await coldThenCached("apt", round, round.context("apt"), tag);
}

/** Ten files that lie far apart change. */
export async function monorepo(round: Round, tag: string): Promise<void> {
  const context = round.context("monorepo");
  const change = () => Array.from({ length: 10 }, (_, index) => edit(path.join(context, manyFile(index * 997)), round.edition()));
  change();
  await coldThenCached("monorepo", round, context, tag);
  change();
  await round.measure("monorepo changed", round.builder.build(context, tag));
}

export async function layers(round: Round, tag: string): Promise<void> {
  const context = round.context("layers");
  await coldThenCached("layers", round, context, tag);
  changeLastStep(context, round.edition());
  await round.measure("layers changed", round.builder.build(context, tag));
}

/** Nothing of the disk is in memory when a build starts. */
export async function slow(round: Round, tag: string): Promise<void> {
  const { bench: { bases, directory, scale }, builder } = round;
  const place = path.join(directory, "slow");
  mkdirSync(place, { recursive: true });
  using disk = SlowDisk.make(`${place}.disk`, place, (root) => writeSlowContext(root, bases.busybox, Math.round(2000 * scale)));
  const build = async (row: string) => {
    disk.mount(builder.namespace);
    await round.measure(row, builder.build(place, tag));
  };
  await build("slow cold");
  await build("slow cached");
  disk.change((root) => edit(path.join(root, "d0/f0.txt"), round.edition()));
  await build("slow changed");
}

/** Files of 8 KB in forty directories. */
function writeSlowContext(directory: string, base: string, count: number): void {
  writeDockerfile(directory, [`FROM ${base}`, "COPY . /app", "RUN ls /app | wc -l > /count"]);
  for (let index = 0; index < count; index += 1) {
    const file = path.join(directory, `d${index % 40}`, `f${index}.txt`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, createHash("sha512").update(String(index)).digest("hex").repeat(64));
  }
}

/** Two builds, the second started when the first has begun; the time until both are done. Ideal is 2 s, and 2.3 s. */
export async function second(round: Round, tag: string): Promise<void> {
  const [one, other] = ["one", "other"].map((name) => path.join(round.bench.directory, `second-${name}`)) as [string, string];
  const write = () => {
    for (const context of [one, other]) {
      const word = `${path.basename(context)}-${round.edition()}`; // no step of it was ever run
      writeDockerfile(context, [`FROM ${round.bench.bases.busybox}`, "COPY Dockerfile /", ...[1, 2, 3, 4].map((step) => `RUN sleep 0.5; echo ${word} > /step${step}`)]);
    }
  };
  const both = (second: string) => beside(round.builder.build(one, tag), round.builder.build(second, `${tag}-second`));
  write();
  await round.measure("second same", both(one));
  write();
  await round.measure("second other", both(other));
}

/** Runs a command, and 0.3 s later another beside it; fails if one fails. */
function beside(first: readonly string[], second: readonly string[]): readonly string[] {
  const script = 'count=$1; shift; "${@:1:count}" & first=$!; sleep 0.3; "${@:count+1}" && wait $first';
  return ["bash", "-c", script, "bash", String(first.length), ...first, ...second];
}

/** The tag's registry is behind the slow link; building is not part of it. */
export async function far(round: Round, tag: string): Promise<void> {
  const { builder } = round;
  const context = round.context("far");
  const change = (layer: string) => edit(path.join(context, layer, blobFile(0)), round.edition());
  for (const layer of ["a", "b", "c", "d"]) change(layer);
  await round.run(builder.build(context, tag));
  await round.measure("far cold", builder.push(tag));
  await round.measure("far again", builder.push(tag));
  change("d");
  await round.run(builder.build(context, tag));
  await round.measure("far changed", builder.push(tag));
}

async function coldThenCached(name: string, round: Round, context: string, tag: string): Promise<void> {
  await round.measure(`${name} cold`, round.builder.build(context, tag));
  await round.measure(`${name} cached`, round.builder.build(context, tag));
}
