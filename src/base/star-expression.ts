/** The most stars, and the most characters, of a pattern: with more, V8 cannot compile its expression. */
const MOST_STARS = 500;
const MOST_CHARACTERS = 4096;

/** Why a pattern cannot be looked for; undefined when it can. */
export function tooLarge(pattern: string): string | undefined {
  if (pattern.length > MOST_CHARACTERS) return `it has more than ${MOST_CHARACTERS} characters`;
  return pattern.split("*").length > MOST_STARS ? `it has more than ${MOST_STARS} stars` : undefined;
}

/**
 * The source of a regular expression for segments with stars between them: `star` is what one character under a star may
 * be, each segment one of a fixed length. The earliest place of a segment is always the right one, as whatever is left
 * the next star takes; so each but the last is found once and for all (a lookahead gives nothing back), and the time is
 * linear, where a plain `.*a.*a.*a` on a long text without its end would take years. `greedy` says how much the last
 * star takes where nothing follows that anchors the end. Needs no flag but `u` or none.
 */
export function starExpression(
  segments: readonly string[],
  star: string,
  { greedy, group }: { readonly greedy: boolean; readonly group: string },
): string {
  const [first = "", ...more] = segments;
  const last = more.pop();
  if (last === undefined) {
    return first;
  }
  const found = more.map((segment, place) => {
    const name = `${group}${place}`;
    return `(?=(?<${name}>${star}*?${segment}))\\k<${name}>`;
  });
  return `${first}${found.join("")}${star}*${greedy ? "" : "?"}${last}`;
}
