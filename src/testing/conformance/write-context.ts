import { chmodSync, copyFileSync, linkSync, lutimesSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { BUSYBOX, tool } from "../builds.ts";
import type { CaseFile } from "./case-file.ts";
import { writeArchive } from "./write-archive.ts";

/** The time of every file of a context that has none of its own. */
export const GIVEN_TIME = new Date("2001-02-03T04:05:06Z");

/** Writes the files of a case below a directory; `fill` puts in what only a run knows. */
export async function writeContext(directory: string, files: readonly CaseFile[], fill: (text: string) => string): Promise<void> {
  for (const file of files) {
    const place = path.join(directory, file.name);
    makeParents(directory, path.dirname(place));
    await writeOne(place, { ...file, body: fill(file.body) });
  }
  // A directory's time changes with what is put into it.
  for (const { name, attributes } of files) lutimesSync(path.join(directory, name), timeOf(attributes), timeOf(attributes));
  const parents = new Set(files.flatMap(({ name }) => ancestors(name)));
  for (const { name } of files) parents.delete(name.replace(/\/$/, ""));
  for (const parent of parents) lutimesSync(path.join(directory, parent), GIVEN_TIME, GIVEN_TIME);
}

async function writeOne(place: string, { name, attributes, body }: CaseFile): Promise<void> {
  const link = attributes.get("link");
  const hard = attributes.get("hard");
  if (name.endsWith("/")) mkdirSync(place, { recursive: true });
  else if (link !== undefined) return symlinkSync(link, place);
  else if (hard !== undefined) return linkSync(path.join(path.dirname(place), hard), place);
  else if (attributes.has("fifo")) tool("mkfifo", [place]);
  else if (attributes.has("busybox")) copyFileSync(BUSYBOX!, place);
  else writeFileSync(place, attributes.has("tar") ? await writeArchive(body, attributes.get("tar")!) : bytesOf(body, attributes));
  chmodSync(place, Number.parseInt(attributes.get("mode") ?? (statSync(place).isDirectory() ? "0755" : "0644"), 8));
  for (const [key, value] of attributes) if (key.startsWith("user.")) tool("setfattr", ["-n", key, "-v", value, place]);
}

function bytesOf(body: string, attributes: CaseFile["attributes"]): Buffer {
  if (attributes.has("base64")) return Buffer.from(body, "base64");
  let text = body;
  if (attributes.has("cut")) text = text.replace(/\n$/, "");
  if (attributes.has("crlf")) text = text.replaceAll("\n", "\r\n");
  if (attributes.has("bom")) text = `\uFEFF${text}`;
  return Buffer.from(text);
}

function timeOf(attributes: CaseFile["attributes"]): Date {
  const given = attributes.get("time");
  return given === undefined ? GIVEN_TIME : new Date(given);
}

/** Makes the directories down to one, with the mode that all of a context have. */
function makeParents(top: string, directory: string): void {
  for (const name of [...ancestors(path.relative(top, directory)), path.relative(top, directory)]) {
    const place = path.join(top, name);
    if (statSync(place, { throwIfNoEntry: false }) !== undefined) continue;
    mkdirSync(place);
    chmodSync(place, 0o755);
  }
}

/** `a`, `a/b` of `a/b/c`. */
function ancestors(name: string): string[] {
  const parts = name.replace(/\/$/, "").split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
