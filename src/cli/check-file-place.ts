import { statSync } from "node:fs";
import path from "node:path";
import { UsageError } from "./usage-error.ts";

/** A file that a flag names for what comes at the end can be written there. Throws UsageError. */
export function checkFilePlace(file: string, { cwd, what }: { readonly cwd: string; readonly what: string }): void {
  const place = path.resolve(cwd, file);
  const stat = (one: string) => statSync(one, { throwIfNoEntry: false });
  if (stat(place)?.isDirectory() === true) throw new UsageError("bad-value", `${what}: destination file ${JSON.stringify(file)} is a directory`);
  const parent = path.dirname(place);
  if (stat(parent)?.isDirectory() !== true) throw new UsageError("bad-value", `${what}: there is no directory ${JSON.stringify(parent)} for ${path.basename(place)}`);
}
