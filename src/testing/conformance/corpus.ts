import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Answer, type Case, parseCase, withAnswers } from "./case-file.ts";
import { generateCases } from "./generate.ts";

export const CORPUS = path.join(import.meta.dirname, "../../../test/conformance");

/** All cases, in the order of their names; those that make base images for others come first. */
export function readCorpus(): Case[] {
  const names = readdirSync(CORPUS, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".txt")).sort();
  const cases = names.map((name) => parseCase(name.slice(0, -".txt".length), readFileSync(path.join(CORPUS, name), "utf8")));
  return [...cases.filter(isBase), ...cases.filter((one) => !isBase(one))];
}

/** Whether others are built on its image. */
export function isBase({ settings }: Case): boolean {
  return settings.has("image");
}

export function topicOf({ id }: Case): string {
  return path.dirname(id);
}

/** Replaces the recorded answer of a case. */
export function recordAnswer({ id }: Case, answer: Answer, ours: Answer): void {
  const file = path.join(CORPUS, `${id}.txt`);
  writeFileSync(file, withAnswers(readFileSync(file, "utf8"), answer, ours));
}

/** Which cases are meant: those whose ids hold a text, of them every so-manieth, or instead of the corpus' own those that a seed makes. */
export interface Choice {
  readonly text?: string;
  readonly every?: number;
  readonly seed?: number;
}

/** The chosen cases, and the base images. */
export function casesOf({ text = "", every = 1, seed }: Choice): Case[] {
  const corpus = readCorpus();
  if (seed !== undefined) return [...corpus.filter(isBase), ...generateCases(seed)];
  return corpus.filter((one, index) => isBase(one) || (one.id.includes(text) && index % every === 0));
}
