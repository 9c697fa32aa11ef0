import type { Word } from "./statement.ts";

/** Words between spaces, quotes having no meaning: FROM, EXPOSE, COPY's shell form. */
export function splitAtSpaces(rest: Word): readonly Word[] {
  return [...rest.text.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    offset: rest.offset + match.index,
  }));
}

/** Words between spaces outside quotes; quotes and escapes stay for the expansion: ENV, LABEL, ARG. */
export function splitQuoted(rest: Word, escape: string): readonly Word[] {
  const words: Word[] = [];
  let start: number | undefined;
  let quote: string | undefined;
  for (let at = 0; at <= rest.text.length; at += 1) {
    const char = rest.text[at];
    if (char === undefined || (quote === undefined && /\s/.test(char))) {
      if (start !== undefined) {
        words.push({ text: rest.text.slice(start, at), offset: rest.offset + start });
      }
      start = undefined;
      continue;
    }
    start ??= at;
    if (char === escape && quote !== "'") {
      at += at + 1 < rest.text.length ? 1 : 0;
    } else if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
    }
  }
  return words;
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
