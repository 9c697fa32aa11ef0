import { rmSync } from "node:fs";
import path from "node:path";
import type { Builder } from "./builders.ts";
import { changeLastStep } from "./dockerfile.ts";
import type { Measurement } from "./measure.ts";
import { type Bench, Round } from "./round.ts";
import { blobFile, edit, manyFile, writeBigFiles, writeChain, writeManyFiles } from "./workloads.ts";

/** What grows: the points to look at, a context of that size, and one small change to it. */
export interface Curve {
  readonly title: string;
  readonly unit: string;
  readonly points: readonly number[];
  /** What ought not to grow. */
  readonly flat: readonly Line[];
  write(directory: string, bench: Bench, size: number): void;
  change(directory: string, edition: number): void;
}

/** In seconds. */
const LASTING = 2;
const BUILDS = ["cold", "cached", "one change"] as const;
export type Build = (typeof BUILDS)[number];
/** A line over the points; what a change costs beyond the walk is the difference to the cached build. */
export type Line = `${Build}, ${"time" | "memory"}` | "one change less cached, time";
export const LINES: readonly Line[] = [...BUILDS.map((build) => `${build}, time` as const), "one change less cached, time", ...BUILDS.map((build) => `${build}, memory` as const)];

export const CURVES = {
  files: {
    title: "Number of files (0.6 to 8 KB each; COPY and a RUN on them; one file changed)",
    unit: "files",
    points: [1000, 3000, 10_000, 30_000, 100_000, 300_000],
    flat: ["one change less cached, time"],
    write: (directory, { bases }, size) => writeManyFiles(directory, bases.busybox, size),
    change: (directory, edition) => edit(path.join(directory, manyFile(0)), edition),
  },
  layers: {
    title: "Number of layers (a RUN each; the last changed)",
    unit: "layers",
    points: [1, 10, 30, 60, 120],
    flat: ["cached, time", "one change, time", "cold, memory", "cached, memory", "one change, memory"],
    write: (directory, { bases }, size) => writeChain(directory, bases.debian!, size),
    change: changeLastStep,
  },
  size: {
    title: "Size (files of 5 MB, one COPY; one file changed)",
    unit: "MB",
    points: [1, 10, 100, 1000, 4000],
    flat: ["cached, time", "cold, memory", "cached, memory", "one change, memory"],
    write: (directory, { bases }, size) => (size < 5 ? writeBigFiles(directory, bases.busybox, 1, size) : writeBigFiles(directory, bases.busybox, Math.round(size / 5), 5)),
    change: (directory, edition) => edit(path.join(directory, blobFile(0)), edition),
  },
} as const satisfies Record<string, Curve>;

export type CurveName = keyof typeof CURVES;
export const CURVE_NAMES = Object.keys(CURVES) as CurveName[];

/** One measurement of a curve. */
export interface Point {
  readonly builder: string;
  readonly build: Build;
  readonly size: number;
  readonly measurement: Measurement;
}

/** Builds contexts of growing size, cold, again, and after a small change; one builder after the other at each size. A context goes when it is done with, unless `keep`. */
export async function measureGrowth(name: CurveName, bench: Bench, builders: readonly Builder[], { sizes = CURVES[name].points, keep }: { readonly sizes?: readonly number[] | undefined; readonly keep: boolean }): Promise<Point[]> {
  const curve: Curve = CURVES[name];
  const points: Point[] = [];
  let edition = Math.floor(Date.now() / 1000);
  for (const size of sizes) {
    const directory = path.join(bench.directory, `${name}-${size}`);
    curve.write(directory, bench, size);
    for (const builder of builders) {
      const round = new Round(bench, builder, 0);
      const prepare = { cold: () => builder.forget(), cached: () => {}, "one change": () => curve.change(directory, (edition += 1)) };
      for (const build of BUILDS) {
        const measurement = await typical(async () => {
          prepare[build]();
          return await round.run(builder.build(directory, `${bench.registry}/bench/growth:latest`));
        });
        points.push({ builder: builder.name, build, size, measurement });
        bench.record(`${size} ${build}`, builder, measurement);
      }
      builder.forget();
    }
    if (!keep) rmSync(directory, { recursive: true, force: true });
  }
  return points;
}

/** The middle one in time of three; what lasts is measured once, as its noise is small beside it. */
async function typical(measure: () => Promise<Measurement>): Promise<Measurement> {
  const first = await measure();
  if (first.seconds > LASTING) return first;
  return [first, await measure(), await measure()].sort((a, b) => a.seconds - b.seconds)[1]!;
}

/** A line's values at the sizes, in seconds or MiB. */
export function valuesOf(line: Line, builder: string, points: readonly Point[]): (readonly [size: number, value: number])[] {
  const of = (build: Build, value: (measurement: Measurement) => number) => points.filter((point) => point.builder === builder && point.build === build).map(({ size, measurement }) => [size, value(measurement)] as const);
  if (line === "one change less cached, time") {
    const cached = new Map(of("cached", ({ seconds }) => seconds));
    return of("one change", ({ seconds }) => seconds).map(([size, seconds]) => [size, seconds - cached.get(size)!] as const);
  }
  const [build, what] = line.split(", ") as [Build, "time" | "memory"];
  return of(build, what === "time" ? ({ seconds }) => seconds : ({ peakMemory }) => peakMemory / 2 ** 20);
}
