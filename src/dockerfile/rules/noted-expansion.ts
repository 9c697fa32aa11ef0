import { expandWord, expandWords, ExpansionError, type Lookup } from "../expand/expand.ts";

export interface Noted {
  /** undefined where the text cannot be expanded: that is an error of the build, not of a check. */
  readonly text: string | undefined;
  readonly words: readonly string[];
  /** Variables that were asked for and are there, and those that are not, each once, in order. */
  readonly matched: readonly string[];
  readonly unmatched: readonly string[];
}

/** Expands a text and notes which variables it asked for. */
export function expandNoting(
  text: string,
  lookup: Lookup,
  escape: string,
  { document = false } = {},
): Noted {
  const matched = new Set<string>();
  const unmatched = new Set<string>();
  const noting: Lookup = (name) => {
    const value = lookup(name);
    (value === undefined ? unmatched : matched).add(name);
    return value;
  };
  const options = { escape, ...(document ? { skipQuotes: true } : {}) };
  let whole: string | undefined;
  let words: readonly string[] = [];
  try {
    whole = expandWord(text, noting, options);
    words = document ? [] : expandWords(text, lookup, options);
  } catch (error) {
    if (!(error instanceof ExpansionError)) {
      throw error;
    }
  }
  return { text: whole, words, matched: [...matched], unmatched: [...unmatched] };
}
