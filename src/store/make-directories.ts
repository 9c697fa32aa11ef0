import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { errnoOf } from "../base/failure.ts";

/**
 * Makes a directory and those above it that are missing, as `mkdir -p`. Node's own (`recursive`) tries for ever where a
 * parent that is there answers ENOENT, as /proc does. Throws what mkdir(2) said.
 */
export function makeDirectories(directory: string, mode = 0o755): void {
  const missing: string[] = [];
  for (let place = directory; ; place = path.dirname(place)) {
    const said = make(place, mode);
    if (said === undefined) break;
    if (errnoOf(said) !== "ENOENT" || path.dirname(place) === place) throw said;
    missing.push(place);
  }
  for (const place of missing.reverse()) {
    const said = make(place, mode);
    if (said !== undefined) throw said;
  }
}

/** The error, where the directory neither was there nor could be made. */
function make(directory: string, mode: number): unknown {
  try {
    mkdirSync(directory, mode);
    return undefined;
  } catch (error) {
    return errnoOf(error) === "EEXIST" && isDirectory(directory) ? undefined : error;
  }
}

function isDirectory(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}
