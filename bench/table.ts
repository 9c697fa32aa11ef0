import { median, type Results } from "./figures.ts";
import type { Measurement } from "./measure.ts";
import { ROWS, type Row, type Target } from "./rows.ts";

const PEERS: readonly string[] = ["docker", "buildah"];
const MIB = 1 << 20;

/** All tables as Markdown: times beside their targets, memory beside theirs, then bytes and processes. */
export function tables(results: Results, builders: readonly string[]): string {
  const own = builders.filter((name) => !PEERS.includes(name));
  const rows = ROWS.filter(({ id }) => results.has(id));
  const of = (row: Row, builder: string, key: keyof Measurement) => median((results.get(row.id)?.get(builder) ?? []).map((one) => one[key]));
  const each = (row: Row, show: (name: string) => string) => builders.map((name) => (results.get(row.id)?.has(name) ? show(name) : "")); // empty where it failed
  const figures = (key: keyof Measurement, show: (value: number) => string) => (row: Row) => each(row, (name) => show(of(row, name, key)));
  const best = (row: Row) => Math.min(...PEERS.map((name) => of(row, name, "seconds")).filter((value) => !Number.isNaN(value)));
  const seconds = figures("seconds", (value) => value.toFixed(2));
  const memory = (row: Row) => each(row, (name) => mebibytes(of(row, name, "peakMemory")) + (of(row, name, "idleMemory") > 0 ? ` (${mebibytes(of(row, name, "idleMemory"))} idle)` : ""));
  const verdicts = (row: Row) => own.map((name) => ratio(of(row, name, "seconds"), best(row), row.target));
  const plain = (title: string, cells: (row: Row) => readonly string[]) => section(title, ["case", ...builders], rows.map((row) => [row.title, ...cells(row)]));
  return [
    section("Wall time, seconds, and the ratio to the better peer", ["case", ...builders, ...own.map((name) => `${name}: ratio`), "target"], rows.map((row) => [row.title, ...seconds(row), ...verdicts(row), targetOf(row.target)])),
    section("Peak anonymous memory of all processes, MiB", ["case", ...builders, "target"], rows.map((row) => [row.title, ...memory(row), String(row.target.memory ?? "")])),
    plain("Processor time, seconds", figures("cpuSeconds", (value) => value.toFixed(2))),
    plain("Processes started", figures("processes", String)),
    plain("Bytes read and written by system calls, MB", (row) => each(row, (name) => `${megabytes(of(row, name, "read"))} / ${megabytes(of(row, name, "written"))}`)),
    plain("Bytes read from and written to the disk, MB", (row) => each(row, (name) => `${megabytes(of(row, name, "diskRead"))} / ${megabytes(of(row, name, "diskWritten"))}`)),
  ].join("\n");
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
