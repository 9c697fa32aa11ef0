/** Rows under headings as buildx prints them: three spaces between, each column as wide as its widest cell. */
export function columns(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)) + 3);
  return all.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join("").trimEnd()}\n`).join("");
}
