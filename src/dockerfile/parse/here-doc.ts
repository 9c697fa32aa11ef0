import type { Position, Range, SourceText } from "../../diagnostics/source-text.ts";
import { expandWords, ExpansionError } from "../expand/expand.ts";

/** `<<NAME`, as it stands in an instruction. */
export interface HereDocMark {
  readonly name: string;
  /** The name is not quoted: variables in the content are expanded. */
  readonly expand: boolean;
  /** `<<-`: leading tabs are taken off. */
  readonly chomp: boolean;
}

/** A here-document with its text. */
export interface HereDoc extends HereDocMark {
  /** As written, tabs and all; every line ends in "\n". */
  readonly content: string;
  /** The line after the instruction, or after the here-document before. */
  readonly firstLine: number;
}

const none = (): undefined => undefined;
const RAW = { escape: "\\", rawQuotes: true, rawEscapes: true, keepUnset: true } as const;

/** Reads one word as the mark of a here-document, whatever file descriptor it is for. */
export function parseHereDocMark(word: string): HereDocMark | undefined {
  const match = word.includes("<<") ? /^\d*<<(-?)([^<]+)$/.exec(word) : null;
  if (match === null) {
    return undefined;
  }
  if (/^\w+$/.test(match[2]!)) {
    return { name: match[2]!, expand: true, chomp: match[1] === "-" };
  }
  try {
    const plain = expandWords(match[2]!, none, { escape: "\\", keepUnset: true });
    const raw = expandWords(match[2]!, none, RAW);
    return plain.length === 1
      ? { name: plain[0]!, expand: plain[0] === raw[0], chomp: match[1] === "-" }
      : undefined;
  } catch (error) {
    return ignoreBadWord(error);
  }
}

/** The marks in a whole line, in the order in which their texts follow. */
export function hereDocMarks(line: string): readonly HereDocMark[] {
  if (!/['"\\]/.test(line)) {
    return line.split(/\s+/).flatMap((word) => parseHereDocMark(word) ?? []);
  }
  try {
    return expandWords(line, none, RAW).flatMap((word) => parseHereDocMark(word) ?? []);
  } catch (error) {
    return ignoreBadWord(error) ?? [];
  }
}

/** Unbalanced quotes are the shell's to judge: such a line has no here-documents. */
function ignoreBadWord(error: unknown): undefined {
  if (!(error instanceof ExpansionError)) {
    throw error;
  }
}

/** Reads the text of a here-document from the line `first` on; undefined when its end is missing. */
export function readHereDoc(
  source: SourceText,
  mark: HereDocMark,
  first: number,
): { hereDoc: HereDoc; last: number } | undefined {
  for (let line = first; line <= source.rawLines.length; line += 1) {
    const text = source.line(line);
    if ((mark.chomp ? text.replace(/^\t+/, "") : text) === mark.name) {
      const content = source.rawLines.slice(first - 1, line - 1).map((raw) => `${raw}\n`);
      return { hereDoc: { ...mark, content: content.join(""), firstLine: first }, last: line };
    }
  }
  return undefined;
}

/** The text that a process or file gets. */
export function hereDocText(hereDoc: Pick<HereDoc, "chomp" | "content">): string {
  return hereDoc.chomp ? hereDoc.content.replace(/^\t+/gm, "") : hereDoc.content;
}

/** Where a piece of {@link hereDocText} stands in the file. */
export function placeInHereDoc({ content, chomp, firstLine }: HereDoc, offset: number, length: number): Range {
  const text = hereDocText({ content, chomp });
  const at = (end: number): Position => {
    const before = text.slice(0, end).split("\n");
    const line = before.length - 1;
    const tabs = chomp ? /^\t*/.exec(content.split("\n")[line]!)![0].length : 0;
    return { line: firstLine + line, column: before.at(-1)!.length + tabs + 1 };
  };
  return { start: at(offset), end: at(offset + length) };
}
