// A command reads its Dockerfile once, before anything of it is compiled: there a sticky expression, which is native
// from the start, goes over a text many times faster than a loop. `test` makes nothing, and leaves the end in lastIndex.
const SPACES = /\s*/y;
const WORD = /\S*/y;

/** Where the spaces that begin at `from` end. */
export function endOfSpaces(text: string, from: number): number {
  return endOf(SPACES, text, from);
}

/** Where the word that begins at `from` ends. */
export function endOfWord(text: string, from: number): number {
  return endOf(WORD, text, from);
}

/** Where what a sticky expression matches from a place on ends; `from` where it does not. */
export function endOf(expression: RegExp, text: string, from: number): number {
  expression.lastIndex = from;
  return expression.test(text) ? expression.lastIndex : from;
}
