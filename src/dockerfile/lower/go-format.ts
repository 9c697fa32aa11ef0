/** Go's `%v` of a list of strings: `[a b]`. */
export function formatList(items: readonly string[]): string {
  return `[${items.join(" ")}]`;
}

/** Go's `%q` of a list of strings: `["a" "b"]`. */
export function formatQuotedList(items: readonly string[]): string {
  return formatList(items.map(quote));
}

const SHORT: Readonly<Record<string, string>> = { "\\u0007": "\\a", "\\u000b": "\\v" };

/** Go's strconv.Quote: as JSON, but for control characters. */
export function quote(text: string): string {
  return JSON.stringify(text)
    .replace(/\\u00[01][0-9a-f]/g, (code) => SHORT[code] ?? `\\x${code.slice(4)}`)
    .replaceAll("\x7f", "\\x7f");
}

/** Go's `%q` of a number: the character of that code point between single quotes. */
export function quoteRune(code: number): string {
  const shown = quote(String.fromCodePoint(Math.min(code, 0x10ffff))).slice(1, -1);
  return `'${shown === "'" ? "\\'" : shown === '\\"' ? '"' : shown}'`;
}
