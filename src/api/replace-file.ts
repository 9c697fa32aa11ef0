import { randomBytes } from "node:crypto";
import { open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { errnoOf, reasonOf } from "../base/failure.ts";
import { BuildFailure } from "./build-failure.ts";

/**
 * Writes a user's text file anew, so that at any moment the old or the new text is there, with the mode and owner that
 * it has; a link stays one. Refuses when the file is no longer `before`, or never was: one that is not UTF-8 would lose bytes.
 */
export async function replaceFile(file: string, before: string, after: string): Promise<void> {
  const target = await realpath(file);
  if (!(await readFile(target)).equals(Buffer.from(before))) {
    throw new BuildFailure("bad-file", `write ${file}: it has changed meanwhile, or is not UTF-8 text`, { hint: "nothing was written" });
  }
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(6).toString("hex")}`);
  try {
    await writeBeside(temporary, target, after);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    const why = { EACCES: "permission denied", EROFS: "the file system is read-only", ENOSPC: "no space left", EDQUOT: "no space left" }[errnoOf(error) ?? ""];
    throw new BuildFailure("bad-file", `write ${file}: ${why ?? reasonOf(error)}`, { cause: error, hint: "it is as it was" });
  }
}

async function writeBeside(temporary: string, target: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(target);
  await using handle = await open(temporary, "wx", 0o600);
  await handle.writeFile(text);
  const own = await handle.stat();
  if (own.uid !== uid || own.gid !== gid) await handle.chown(uid, gid);
  await handle.chmod(mode & 0o7777);
  await handle.sync();
}
