import type { Dockerfile } from "../parse/instruction.ts";
import { readDirectives } from "../parse/directives.ts";
import { statementsOf } from "../parse/statements-of.ts";
import { meaningOf } from "../rules/meaning.ts";

/** Whether two Dockerfiles say the same to a build and to a reader: instructions, directives, comments. */
export function sameMeaning(a: Dockerfile, b: Dockerfile): boolean {
  return meaningOf(a) === meaningOf(b) && told(a) === told(b);
}

function told(dockerfile: Dockerfile): string {
  return JSON.stringify([readDirectives(dockerfile.source), commentsOf(dockerfile)]);
}

/** The comments, directives aside, which are written in one way. */
function commentsOf(dockerfile: Dockerfile): string[] {
  const { source } = dockerfile;
  const taken = new Set<number>();
  for (const { hereDocs, lastLine } of statementsOf(dockerfile)) {
    const first = hereDocs[0]?.firstLine ?? lastLine + 1;
    for (let number = first; number <= lastLine; number += 1) taken.add(number);
  }
  const lines = source.rawLines.map((line) => line.trim()).filter((line, place) => line.startsWith("#") && !taken.has(place + 1));
  return lines.map((line) => line.replaceAll(/\s/g, ""));
}
