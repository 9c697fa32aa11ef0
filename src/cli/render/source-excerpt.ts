import { printable } from "../printable.ts";

/** Lines shown before and after the ones that matter. */
const AROUND = 2;
const RULE = "--------------------\n";

/** The lines of a text that failed, marked with `>>>` among their neighbours, as BuildKit shows them. */
export function sourceExcerpt(file: string, text: string, line: number, endLine: number): string {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const first = Math.max(1, line - AROUND);
  const last = Math.min(lines.length, endLine + AROUND);
  const rows = lines.slice(first - 1, last).map((content, index) => {
    const number = first + index;
    const mark = number >= line && number <= endLine ? ">>> " : "    ";
    return ` ${String(number).padStart(3)} | ${mark}${printable(content)}`.trimEnd().concat("\n");
  });
  return `${printable(file)}:${line}\n${RULE}${rows.join("")}${RULE}`;
}
