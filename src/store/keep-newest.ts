import { readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";

/** Removes all files of a directory but the `count` that were written last. For what only helps, and is made again. */
export function keepNewest(directory: string, count: number): void {
  const age = (name: string): number => statSync(path.join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const names = readdirSync(directory).map((name) => ({ name, age: age(name) }));
  for (const { name } of names.sort((a, b) => b.age - a.age).slice(count)) {
    rmSync(path.join(directory, name), { force: true });
  }
}
