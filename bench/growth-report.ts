import { CURVES, type Curve, type CurveName, LINES, type Line, type Point, valuesOf } from "./growth.ts";
import { chart, type ChartLine } from "./picture.ts";
import { section } from "./table.ts";

/** A curve's figures and what they say of its lines, as Markdown. */
export function growthTables(name: CurveName, points: readonly Point[]): string {
  const curve: Curve = CURVES[name];
  const builders = [...new Set(points.map(({ builder }) => builder))];
  const sizes = [...new Set(points.map(({ size }) => size))];
  const columns = builders.flatMap((builder) => (["cold", "cached", "one change"] as const).map((build) => ({ builder, build })));
  const at = (line: Line, builder: string, size: number) => new Map(valuesOf(line, builder, points)).get(size)!;
  return [
    section(curve.title, [curve.unit, ...columns.map(({ builder, build }) => `${builder}, ${build}`)], sizes.map((size) => [
      size.toLocaleString("en"),
      ...columns.map(({ builder, build }) => `${at(`${build}, time`, builder, size).toFixed(2)} s, ${at(`${build}, memory`, builder, size).toFixed(0)} MiB`),
    ])),
    section("", ["line", "wanted", ...builders.flatMap((builder) => [builder, "exponent at the end", `each further ${curve.unit.replace(/s$/, "")}`])], LINES.map((line) => [
      line,
      curve.flat.includes(line) ? "flat" : "",
      ...builders.flatMap((builder) => judged(line, valuesOf(line, builder, points), curve.flat.includes(line))),
    ])).replace("### \n\n", ""),
  ].join("\n");
}

/** How a line grows, in words; its exponent between the last two points; what one more of the unit costs there. */
function judged(line: Line, values: readonly (readonly [number, number])[], wantedFlat: boolean): readonly string[] {
  const verdict = verdictOf(values, line.endsWith("memory") ? { much: 0.25, little: 32 } : { much: 0.25, little: 0.05 });
  const slope = slopeOf(values.at(-2), values.at(-1));
  const each = line.endsWith("memory") ? `${(slope * 1024).toFixed(2)} KiB` : `${(slope * 1e6).toFixed(0)} µs`;
  const power = exponent(values.slice(-2));
  return [wantedFlat && verdict !== "flat" ? `**${verdict}**` : verdict, Number.isNaN(power) ? "" : power.toFixed(2), each];
}

/**
 * `flat` if the last value is hardly above the first; else how the last stretch climbs beside all before it: a fixed cost
 * that every build has pulls an exponent down, and leaves the slope alone.
 */
export function verdictOf(values: readonly (readonly [number, number])[], { much, little }: { readonly much: number; readonly little: number }): "flat" | "linear" | "less than linear" | "more than linear" | "?" {
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined || values.length < 2) return "?";
  if (last[1] - first[1] <= Math.max(first[1] * much, little)) return "flat";
  if (values.length < 3) return "?";
  const ratio = slopeOf(values.at(-2), last) / slopeOf(first, values.at(-2));
  if (ratio > 1.5) return "more than linear";
  return ratio < 0.5 ? "less than linear" : "linear";
}

function slopeOf(from: readonly [number, number] | undefined, to: readonly [number, number] | undefined): number {
  return from === undefined || to === undefined ? NaN : (to[1] - from[1]) / (to[0] - from[0]);
}

/** k of the curve y = a·x^k that lies nearest in logarithms: 0 is flat, 1 linear. NaN for fewer than two points. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (place: 0 | 1) => logs.reduce((sum, pair) => sum + pair[place], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

const COLOURS: Readonly<Record<string, string>> = { cold: "#c0392b", "one change": "#d68910", cached: "#2471a3" };

/** The picture of a curve: time and memory side by side. */
export function growthPicture(name: CurveName, points: readonly Point[]): string {
  const builders = [...new Set(points.map(({ builder }) => builder))];
  const lines = (what: "time" | "memory"): ChartLine[] => builders.flatMap((builder, index) => (["cold", "one change", "cached"] as const).map((build) => ({
    name: builders.length === 1 ? build : `${builder}, ${build}`, colour: COLOURS[build]!, dashes: ["", "6 3", "2 3", "8 2 2 2"][index % 4]!, values: valuesOf(`${build}, ${what}`, builder, points),
  })));
  const { title, unit } = CURVES[name];
  return chart({ title, unit, panels: [{ title: "seconds", lines: lines("time") }, { title: "MiB of memory", lines: lines("memory") }] });
}
