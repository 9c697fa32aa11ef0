import * as fs from "node:fs";
import path from "node:path";
import { ContainerError } from "../container-error.ts";

export interface CopiedTop {
  /** The source's own name. */
  readonly base: string;
  readonly directory: boolean;
  /** The source was written with `/.` at its end: what is in the directory is meant. */
  readonly contents: boolean;
}

/** Where a copy's top goes (Docker CLI reference, docker container cp). Throws ContainerError `copy-failed`. */
export function copyDestination(destination: string, { base, directory, contents }: CopiedTop): string {
  const found = fs.statSync(destination, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) {
    return contents && directory ? fs.realpathSync(destination) : path.join(fs.realpathSync(destination), base);
  }
  if (found !== undefined) {
    if (directory) throw new ContainerError("copy-failed", `cannot copy a directory to the file ${destination}`);
    return fs.realpathSync(destination);
  }
  if (destination.endsWith("/") && !directory) {
    throw new ContainerError("copy-failed", `cannot copy to ${destination}: the directory does not exist`);
  }
  const parent = path.dirname(destination.replace(/\/+$/, ""));
  if (fs.statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ContainerError("copy-failed", `cannot copy to ${destination}: ${parent} is not a directory`);
  }
  return path.join(fs.realpathSync(parent), path.basename(destination));
}

/** Whether a path says that the contents of the directory are meant. */
export function meansContents(text: string): boolean {
  return text === "." || text.endsWith("/.");
}

/**
 * The file or directory to pack: the link itself when the path names one, unless it is to be followed or the path ends
 * as a directory's does. Throws ContainerError `no-such-path`.
 */
export function copySource(text: string, followLink: boolean): { readonly path: string; readonly base: string } {
  const follow = followLink || /(^|\/)\.{0,2}$/.test(text);
  try {
    const parent = fs.realpathSync(path.dirname(path.resolve(text)));
    const named = path.join(parent, path.basename(path.resolve(text)));
    const found = follow ? fs.realpathSync(named) : named;
    fs.lstatSync(found);
    return { path: found, base: path.basename(named) || "." };
  } catch (error) {
    throw new ContainerError("no-such-path", `Could not find the file ${text}`, { cause: error });
  }
}
