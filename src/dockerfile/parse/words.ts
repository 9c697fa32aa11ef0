import { endOf, endOfSpaces, endOfWord } from "./spaces.ts";
import type { Word } from "./statement.ts";

/** Words between spaces, quotes having no meaning: FROM, EXPOSE, COPY's shell form. */
export function splitAtSpaces({ text, offset }: Word): readonly Word[] {
  const words: Word[] = [];
  for (let at = endOfSpaces(text, 0); at < text.length; ) {
    const end = endOfWord(text, at);
    words.push({ text: text.slice(at, end), offset: offset + at });
    at = endOfSpaces(text, end);
  }
  return words;
}

/** Words between spaces outside quotes; quotes and escapes stay for the expansion: ENV, LABEL, ARG. */
export function splitQuoted({ text, offset }: Word, escape: string): readonly Word[] {
  const words: Word[] = [];
  for (let at = endOfSpaces(text, 0); at < text.length; ) {
    const end = endOfQuoted(text, at, escape);
    words.push({ text: text.slice(at, end), offset: offset + at });
    at = endOfSpaces(text, end);
  }
  return words;
}

/** A word with quotes and escapes, for each escape character; a quote without an end takes all that is left. */
const QUOTED: Readonly<Record<string, RegExp>> = {
  "\\": /(?:[^\s\\'"]+|\\[^]?|'[^']*(?:'|$)|"(?:[^"\\]+|\\[^]?)*(?:"|$))*/y,
  "`": /(?:[^\s`'"]+|`[^]?|'[^']*(?:'|$)|"(?:[^"`]+|`[^]?)*(?:"|$))*/y,
};

/** Where a word ends, spaces in quotes and behind an escape character being of it. */
function endOfQuoted(text: string, from: number, escape: string): number {
  return endOf(QUOTED[escape]!, text, from);
}

/** `KEY=value` cut in two. */
export function splitPair(word: Word): { key: Word; value: Word | undefined } {
  const equals = word.text.indexOf("=");
  if (equals < 0) {
    return { key: word, value: undefined };
  }
  const key = { text: word.text.slice(0, equals), offset: word.offset };
  return { key, value: { text: word.text.slice(equals + 1), offset: word.offset + equals + 1 } };
}

/** The JSON form (`["a", "b"]`): its strings, undefined when it is not JSON, "mixed" when not all are strings. */
export function parseJsonForm(text: string): readonly string[] | "mixed" | undefined {
  if (!text.startsWith("[")) {
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) {
    return undefined;
  }
  return value.every((item): item is string => typeof item === "string") ? value : "mixed";
}
