import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import path from "node:path";

const HOME = path.join(import.meta.dirname, "..");

/** The pages in which a command renews what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. */
export const PAGES = { table: "bench/README.md", limits: "docs/performance.md", growth: "docs/performance.md", "second-machine": "docs/performance.md", collection: "docs/cache.md" } as const;

/** Puts text between the marks of its name. Throws if the page has no such marks. */
export function writeBetweenMarks(name: keyof typeof PAGES, text: string): void {
  const file = path.join(HOME, PAGES[name]);
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [before, , after] = readFileSync(file, "utf8").split(new RegExp(`${begin}|${end}`));
  if (after === undefined) throw new Error(`write ${PAGES[name]}: it has no ${begin} and ${end}`);
  writeFileSync(file, `${before}${begin}\n${text.trimEnd()}\n${end}${after}`);
}

/** Writes a picture beside the page about performance. */
export function writePicture(name: string, svg: string): void {
  writeFileSync(path.join(HOME, "docs", name), svg);
}

/** Flags whose value is a place on this machine, which nobody else has. */
const PLACES = new Set(["--json", "--resume", "--work", "--peer-root"]);

function commandLine(program = "npm run bench --"): string {
  const args = process.argv.slice(2).filter((arg, index, all) => !PLACES.has(arg.replace(/=.*/, "")) && !PLACES.has(all[index - 1] ?? ""));
  return [program, ...args].join(" ");
}

/** Where and how figures came to be, for JSON. */
export function about(program?: string) {
  return {
    date: new Date().toISOString().slice(0, 10),
    command: commandLine(program),
    processors: cpus().length,
    load: loadavg()[1]!.toFixed(1),
    kernel: release(),
    node: process.version,
  };
}

/** The same as a sentence; `more` is what else to know. */
export function aboutLine(more: string, program?: string): string {
  const { date, command, processors, load, kernel } = about(program);
  return `\`${command}\` on ${date}: ${more}${processors} processors, load average ${load} at the end, Linux ${kernel}.`;
}
