/** No column is narrower than this (docker's cli, formatter.go: tabwriter's minwidth). */
const NARROWEST = 10;

/** Rows under headings as docker prints them: each column as wide as its widest cell plus three spaces. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(NARROWEST, ...all.map((row) => (row[column]?.length ?? 0) + 3)));
  const lines = all.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join(""));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
