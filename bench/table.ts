import { ROWS, type Row, type Target } from "./cases.ts";
import type { Measurement } from "./measure.ts";

/** row → builder → what each run measured. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, readonly Measurement[]>>;

const PEERS: readonly string[] = ["docker", "buildah"];
const MIB = 1 << 20;

/** All tables as Markdown: times beside their targets, memory beside theirs, then bytes and processes. */
export function tables(results: Results, builders: readonly string[]): string {
  const own = builders.filter((name) => !PEERS.includes(name));
  const rows = ROWS.filter(({ id }) => results.has(id));
  const of = (row: Row, builder: string, key: keyof Measurement) => median((results.get(row.id)?.get(builder) ?? []).map((one) => one[key]));
  const figures = (key: keyof Measurement, show: (value: number) => string) => (row: Row) => builders.map((name) => show(of(row, name, key)));
  const best = (row: Row) => Math.min(...PEERS.filter((name) => builders.includes(name)).map((name) => of(row, name, "seconds")));
  const seconds = figures("seconds", (value) => value.toFixed(2));
  const memory = (row: Row) => builders.map((name) => mebibytes(of(row, name, "peakMemory")) + (of(row, name, "idleMemory") > 0 ? ` (${mebibytes(of(row, name, "idleMemory"))} idle)` : ""));
  const verdicts = (row: Row) => own.map((name) => ratio(of(row, name, "seconds"), best(row), row.target));
  const plain = (title: string, cells: (row: Row) => readonly string[]) => section(title, ["case", ...builders], rows.map((row) => [row.title, ...cells(row)]));
  return [
    section("Wall time, seconds, and the ratio to the better peer", ["case", ...builders, ...own.map((name) => `${name}: ratio`), "target"], rows.map((row) => [row.title, ...seconds(row), ...verdicts(row), targetOf(row.target)])),
    section("Peak anonymous memory of all processes, MiB", ["case", ...builders, "target"], rows.map((row) => [row.title, ...memory(row), String(row.target.memory ?? "")])),
    plain("Processor time, seconds", figures("cpuSeconds", (value) => value.toFixed(2))),
    plain("Processes started", figures("processes", String)),
    plain("Bytes read and written by system calls, MB", (row) => builders.map((name) => `${megabytes(of(row, name, "read"))} / ${megabytes(of(row, name, "written"))}`)),
    plain("Bytes read from and written to the disk, MB", (row) => builders.map((name) => `${megabytes(of(row, name, "diskRead"))} / ${megabytes(of(row, name, "diskWritten"))}`)),
  ].join("\n");
}

/** The same as JSON: every run of every row. */
export function asJson(results: Results): object {
  return ROWS.filter(({ id }) => results.has(id)).map((row) => ({ ...row, builders: Object.fromEntries(results.get(row.id)!) }));
}

/** The middle one; of an even number the mean of the middle two; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The ratio, marked where the target is missed. */
function ratio(own: number, peer: number, target: Target): string {
  const value = own / peer;
  const missed = (target.ratio !== undefined && value > target.ratio) || (target.seconds !== undefined && own > target.seconds);
  const text = Number.isFinite(value) && value > 0 ? `${value.toFixed(2)}×` : "";
  return missed ? `**${text || "missed"}**` : text;
}

function targetOf({ ratio, seconds }: Target): string {
  if (ratio !== undefined) return `${ratio}×`;
  return seconds === undefined ? "" : `${seconds} s`;
}

/** A heading and a table, as Markdown. */
export function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [`### ${title}`, "", line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line), ""].join("\n");
}

function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
