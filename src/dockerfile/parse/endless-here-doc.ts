import { nearest } from "../../base/nearest.ts";
import type { SourceErrorOptions } from "../../diagnostics/source-error.ts";
import type { DockerfileError } from "../dockerfile-error.ts";
import { parseHereDocMark, type HereDocMark } from "./here-doc.ts";
import { errorAt, type Statement, type Word } from "./statement.ts";

/** A here-document whose end is not there, with the line that may have been meant to be it. */
export function endlessHereDoc(statement: Statement, mark: HereDocMark): DockerfileError {
  const problem = `the here-document ${JSON.stringify(mark.name)} has no end`;
  return errorAt(statement, placeOf(statement, mark), "syntax", problem, {
    hint: `a line with only ${mark.name} ends it${mark.chomp ? "; tabs may stand before it" : ""}`,
    ...meantEnd(statement, mark),
  });
}

/** The mark itself, among several. */
function placeOf({ line }: Statement, { name }: HereDocMark): Word {
  for (const match of line.text.matchAll(/\d*<<-?(?:"[^"]*"|'[^']*'|[^\s<])+/g)) {
    if (parseHereDocMark(match[0])?.name === name) {
      return { text: match[0], offset: match.index };
    }
  }
  const offset = line.text.indexOf("<<");
  return { text: /^\S+/.exec(line.text.slice(offset))![0], offset };
}

function meantEnd({ source, lastLine }: Statement, { name }: HereDocMark): Pick<SourceErrorOptions, "related"> {
  const words = new Map<string, number>();
  for (let line = lastLine + 1; line <= source.rawLines.length; line += 1) {
    const word = source.line(line).trim();
    if (/^\S+$/.test(word) && !words.has(word)) words.set(word, line);
  }
  const word = words.has(name) ? name : nearest(name, words.keys());
  const line = words.get(word ?? "");
  if (word === undefined || line === undefined) return {};
  const column = source.line(line).indexOf(word) + 1;
  const range = { start: { line, column }, end: { line, column: column + word.length } };
  const message = word === name ? "this is not alone on its line: spaces count" : "this is nearly it";
  return { related: { range, message } };
}
