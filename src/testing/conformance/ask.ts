import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { Ran } from "../images.ts";
import type { Answer, Case } from "./case-file.ts";
import { isBase } from "./corpus.ts";
import { describeImage } from "./describe-image.ts";
import type { Engine } from "./engine.ts";
import { type ArchivedImage, readImageArchive } from "./image-archive.ts";
import { openSources, type Sources } from "./sources.ts";
import { words } from "./words.ts";
import { writeContext } from "./write-context.ts";

/** So many images go into one archive: it is held in memory. */
const BATCH = 100;

/** Has an engine build cases, the base images of the corpus first, and says what came of each. */
export async function ask(engine: Engine, cases: readonly Case[]): Promise<Map<string, Answer>> {
  await using sources = await openSources();
  const answers = new Map<string, Answer>();
  const bases = new Map<string, ArchivedImage>();
  for (const one of cases.filter(isBase)) {
    const [result] = await askAll(engine, [one], sources, bases);
    answers.set(one.id, result![1]);
    const tag = tagOf(one);
    bases.set(tag, (await saved(engine, [tag])).get(tag)!);
  }
  const rest = cases.filter((one) => !isBase(one));
  for (let at = 0; at < rest.length; at += BATCH) for (const [id, answer] of await askAll(engine, rest.slice(at, at + BATCH), sources, bases)) answers.set(id, answer);
  return answers;
}

async function askAll(engine: Engine, cases: readonly Case[], sources: Sources, bases: ReadonlyMap<string, ArchivedImage>): Promise<[string, Answer][]> {
  const waiting = [...cases];
  const built = new Map<Case, Built>();
  const worker = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) built.set(one, await buildOne(engine, one, sources));
  };
  await Promise.all(Array.from({ length: engine.atOnce }, worker));
  const tags = cases.filter((one) => built.get(one)!.ran.code === 0 && !calls(one)).map(tagOf);
  const images = tags.length === 0 ? new Map<string, ArchivedImage>() : await saved(engine, tags);
  return cases.map((one) => [one.id, answerOf(one, built.get(one)!, images, bases)]);
}

interface Built {
  readonly ran: Ran;
  /** Takes out of a text what only this run knows. */
  readonly empty: (text: string) => string;
}

async function buildOne(engine: Engine, one: Case, sources: Sources): Promise<Built> {
  const directory = path.join(engine.work, one.id.replaceAll("/", "."));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  await writeContext(directory, one.files.filter(({ name }) => isSource(name)), (text) => text);
  const { fill, empty } = sources.open(one.id, directory);
  await writeContext(directory, one.files.filter(({ name }) => !isSource(name)), fill);
  const flags = words(fill(one.settings.get("flags") ?? ""));
  const network = flags.some((flag) => flag.startsWith("--network")) ? [] : ["--network=none"];
  const env = Object.fromEntries(words(one.settings.get("env") ?? "").map((word) => word.split("=") as [string, string]));
  const ran = await engine.build(directory, ["-q", ...network, ...(calls(one) ? [] : ["-t", tagOf(one)]), ...flags, one.settings.get("context") ?? "."], env);
  return { ran, empty: (text) => empty(text).replaceAll(directory, "@directory@") };
}

function answerOf(one: Case, { ran, empty }: Built, images: ReadonlyMap<string, ArchivedImage>, bases: ReadonlyMap<string, ArchivedImage>): Answer {
  if (ran.code !== 0 && !calls(one)) return new Map([["refused", `${empty(complaint(ran.err))}\n`]]);
  if (calls(one)) return new Map([["output", plain(empty(ran.out))]]);
  const image = images.get(tagOf(one))!;
  return new Map([...describeImage(image, { bases, directoryTimes: one.settings.get("times") === "directories" })].map(([title, body]) => [title, empty(body)]));
}

/** A table without its padding. */
function plain(output: string): string {
  return output.split("\n").map((line) => line.trim().replaceAll(/ +/g, " ")).filter((line) => line !== "").map((line) => `${line}\n`).join("");
}

/** Whether no image is made: --call, --check. */
function calls({ settings }: Case): boolean {
  return /--(call|check)\b/.test(settings.get("flags") ?? "");
}

/** What it was refused for, without what is another word each time: of docker's the line that begins with ERROR, of ours the first. */
function complaint(err: string): string {
  const said = err.split("\n").filter((line) => line.trim() !== "");
  const found = said.find((line) => line.startsWith("ERROR: ")) ?? said[0] ?? "";
  return found.replace(/(?<=ref )\S+::\S+(?=:)|\S+\/overlay2\/\w+\/merged/g, "…");
}

function tagOf({ id, settings }: Case): string {
  const name = settings.get("image") ?? `conform/${id.replaceAll("/", ".")}`;
  return `${name}:latest`;
}

function isSource(name: string): boolean {
  return name.startsWith("served/") || name.startsWith("repository/");
}

async function saved(engine: Engine, tags: readonly string[]): Promise<Map<string, ArchivedImage>> {
  const file = path.join(engine.work, "images.tar");
  await engine.save(tags, file);
  const images = await readImageArchive(file);
  rmSync(file);
  return images;
}
