import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../base/failure.ts";
import { type IgnoreRules, parseIgnore } from "../dockerfile/ignore.ts";
import { BuildFailure } from "./build-failure.ts";
import type { CheckInput } from "./check.ts";

/** Reads a Dockerfile on this machine, and the ignore file that counts for it. `place` is a directory, a Dockerfile, or `-` for standard input. Throws BuildFailure. */
export async function readCheckInput({ place, file, cwd, stdin }: { readonly place: string; readonly file?: string; readonly cwd: string; readonly stdin: AsyncIterable<Buffer | string> }): Promise<CheckInput & { readonly path?: string }> {
  if (place === "-" || file === "-") {
    const chunks: Buffer[] = [];
    for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
    return { text: Buffer.concat(chunks).toString("utf8"), name: "Dockerfile" };
  }
  const given = path.resolve(cwd, place);
  const isFile = statSync(given, { throwIfNoEntry: false })?.isFile() === true;
  if (isFile && file !== undefined) {
    throw new BuildFailure("bad-file", `${JSON.stringify(place)} is a file, and -f names another`, { hint: "give a directory, or no -f" });
  }
  const directory = isFile ? path.dirname(given) : given;
  const names = ["Dockerfile", "dockerfile"].map((name) => path.join(directory, name));
  const found = isFile ? given : file === undefined ? (names.find((name) => existsSync(name)) ?? names[0]!) : path.resolve(cwd, file);
  const name = isFile ? place : (file ?? path.relative(cwd, found));
  const text = await readFile(found, "utf8").catch((error: unknown) => {
    const why = { ENOENT: "no such file or directory", EISDIR: "is a directory", EACCES: "permission denied" }[errnoOf(error) ?? ""] ?? String(error);
    throw new BuildFailure("bad-file", `failed to read dockerfile: open ${name}: ${why}`, { cause: error, hint: "another file is named with -f" });
  });
  const ignore = await readIgnoreFile(found, directory);
  return { text, name, path: found, ...(ignore === undefined ? {} : { ignore }) };
}

/** The ignore file that counts for a Dockerfile whose context is a directory. Throws IgnoreError. */
export async function readIgnoreFile(dockerfile: string, context: string): Promise<IgnoreRules | undefined> {
  const file = [`${dockerfile}.dockerignore`, path.join(context, ".dockerignore")].find((one) => existsSync(one));
  return file === undefined ? undefined : parseIgnore(await readFile(file, "utf8"), path.basename(file));
}
