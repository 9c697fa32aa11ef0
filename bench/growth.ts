import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Builder } from "./builders.ts";
import { type Bench, Round } from "./cases.ts";
import type { Measurement } from "./measure.ts";
import { section } from "./table.ts";
import { edit, writeBigFiles, writeChain, writeManyFiles } from "./workloads.ts";

/** What grows: the points to look at, a context of that size, and one small change to it. */
interface Curve {
  readonly unit: string;
  readonly points: readonly number[];
  write(directory: string, bench: Bench, size: number): void;
  change(directory: string, edition: number): void;
}

const CURVES = {
  files: {
    unit: "files",
    points: [1000, 3000, 10_000, 30_000, 100_000, 300_000],
    write: (directory, { bases }, size) => writeManyFiles(directory, bases.busybox, size),
    change: (directory, edition) => edit(path.join(directory, "p00/d00/f00000.js"), edition),
  },
  layers: {
    unit: "RUN instructions",
    points: [1, 10, 30, 60, 120],
    write: (directory, { bases }, size) => writeChain(directory, bases.debian, size),
    change: appendToDockerfile, // the last instruction
  },
  size: {
    unit: "MB",
    points: [1, 10, 100, 1000, 4000],
    write: (directory, { bases }, size) => (size < 5 ? writeBigFiles(directory, bases.busybox, 1, size) : writeBigFiles(directory, bases.busybox, Math.round(size / 5), 5)),
    change: (directory, edition) => edit(path.join(directory, "blob000.bin"), edition),
  },
} as const satisfies Record<string, Curve>;

export type CurveName = keyof typeof CURVES;
export const CURVE_NAMES = Object.keys(CURVES) as CurveName[];

const BUILDS = ["cold", "cached", "one change"] as const;
type Build = (typeof BUILDS)[number];

/** One measurement of a curve. */
export interface Point {
  readonly builder: string;
  readonly build: Build;
  readonly size: number;
  readonly measurement: Measurement;
}

/** Builds contexts of growing size, cold, again, and after a small change; one builder after the other at each size. */
export async function measureGrowth(name: CurveName, bench: Bench, builders: readonly Builder[], sizes: readonly number[] = CURVES[name].points): Promise<Point[]> {
  const curve: Curve = CURVES[name];
  const points: Point[] = [];
  let edition = Math.floor(Date.now() / 1000);
  for (const size of sizes) {
    const directory = path.join(bench.directory, `${name}-${size}`);
    curve.write(directory, bench, size);
    for (const builder of builders) {
      builder.forget();
      const round = new Round({ ...bench, record: (build, { name: who }, measurement) => {
        points.push({ builder: who, build: build as Build, size, measurement });
        bench.record(`${size} ${build}`, builder, measurement);
      } }, builder, 0);
      for (const build of BUILDS) {
        if (build === "one change") curve.change(directory, (edition += 1));
        await round.measure(build, builder.build(directory, `${bench.registry}/bench/growth:latest`));
      }
      builder.forget();
    }
  }
  return points;
}

/** Seconds and MiB at each size, and below them the exponents of time: over all points, and from the last but one to the last. */
export function growthTable(name: CurveName, points: readonly Point[]): string {
  const builders = [...new Set(points.map(({ builder }) => builder))];
  const sizes = [...new Set(points.map(({ size }) => size))];
  const columns = builders.flatMap((builder) => BUILDS.map((build) => ({ builder, build, line: points.filter((point) => point.builder === builder && point.build === build) })));
  const cell = ({ seconds, peakMemory }: Measurement) => `${seconds.toFixed(2)} s, ${(peakMemory / 2 ** 20).toFixed(0)} MiB`;
  const times = (line: readonly Point[]) => line.map(({ size, measurement }) => [size, measurement.seconds] as const);
  return section(`Growth with the number of ${CURVES[name].unit}`, [CURVES[name].unit, ...columns.map(({ builder, build }) => `${builder}, ${build}`)], [
    ...sizes.map((size) => [String(size), ...columns.map(({ line }) => cell(line.find((point) => point.size === size)!.measurement))]),
    ["exponent", ...columns.map(({ line }) => exponent(times(line)).toFixed(2))],
    ["exponent at the end", ...columns.map(({ line }) => exponent(times(line).slice(-2)).toFixed(2))],
  ]);
}

/** k of the curve y = a·x^k that lies nearest in logarithms: 0 is flat, 1 linear. NaN for fewer than two points. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (place: 0 | 1) => logs.reduce((sum, pair) => sum + pair[place], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

function appendToDockerfile(directory: string, edition: number): void {
  const file = path.join(directory, "Dockerfile");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  writeFileSync(file, `${lines.with(-1, `${lines.at(-1)!} && echo ${edition} >/edition`).join("\n")}\n`);
}
