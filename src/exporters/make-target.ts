import { resolve } from "node:path";
import { reasonOf } from "../base/failure.ts";
import { makeDirectories } from "../store/make-directories.ts";
import { ArchiveFailure } from "./export-error.ts";

/** Makes the directory that something is written to, and those above it that are missing. Throws ArchiveFailure `in-the-way`. */
export function makeTarget(directory: string, mode?: number): void {
  try {
    makeDirectories(resolve(directory), mode);
  } catch (error) {
    throw new ArchiveFailure("in-the-way", `make the directory ${JSON.stringify(directory)}: ${reasonOf(error)}`, { cause: error });
  }
}
