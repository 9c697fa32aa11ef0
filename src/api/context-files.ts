import { readdirSync } from "node:fs";
import path from "node:path";
import type { ContextFile } from "../dockerfile/editor/complete.ts";
import { IgnoreError } from "../dockerfile/ignore.ts";
import { readIgnoreFile } from "./check-input.ts";

/** The files in a directory below that of a Dockerfile, without those that its ignore file leaves out; none where there is no such directory. */
export async function contextFiles(dockerfile: string, directory: string): Promise<readonly ContextFile[]> {
  const ignore = await ignoreRules(dockerfile);
  const root = path.dirname(dockerfile);
  return list(path.join(root, directory)).filter(({ name, isDirectory }) => {
    const below = path.posix.join(directory, name);
    return ignore === undefined || !ignore.ignores(below) || (isDirectory && ignore.mayContainIncluded(below));
  });
}

/** One that cannot be understood leaves out nothing: the build says what is wrong with it. */
async function ignoreRules(dockerfile: string): ReturnType<typeof readIgnoreFile> {
  try {
    return await readIgnoreFile(dockerfile, path.dirname(dockerfile));
  } catch (error) {
    if (error instanceof IgnoreError) return undefined;
    throw error;
  }
}

function list(directory: string): ContextFile[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  } catch {
    return [];
  }
}
