/** Shell patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*`, `?` and escapes, no bracket expressions (as BuildKit has them). */

/** `${value#pattern}`, or with `greedy` `${value##pattern}`. */
export function removePrefix(value: string, pattern: string, greedy: boolean): string {
  const whole = wholeMatcher(pattern);
  const cut = lengths(value, greedy).find((length) => whole.test(value.slice(0, length)));
  return value.slice(cut ?? 0);
}

/** `${value%pattern}`, or with `greedy` `${value%%pattern}`. */
export function removeSuffix(value: string, pattern: string, greedy: boolean): string {
  const whole = wholeMatcher(pattern);
  const cut = lengths(value, greedy).find((length) =>
    whole.test(value.slice(value.length - length)),
  );
  return value.slice(0, value.length - (cut ?? 0));
}

/** `${value/pattern/replacement}`, or with `all` `${value//pattern/replacement}`; an empty pattern changes nothing. */
export function replacePattern(
  value: string,
  pattern: string,
  replacement: string,
  all: boolean,
): string {
  return pattern === ""
    ? value
    : value.replace(new RegExp(expression(pattern), all ? "gu" : "u"), () => unescape(replacement));
}

function wholeMatcher(pattern: string): RegExp {
  return new RegExp(`^(?:${expression(pattern)})$`, "u");
}

/** 0, 1, … or, longest first, the other way round. */
function lengths(value: string, longestFirst: boolean): number[] {
  const all = Array.from({ length: value.length + 1 }, (_, length) => length);
  return longestFirst ? all.reverse() : all;
}

function expression(pattern: string): string {
  return pattern.replace(/\\?[^]/gu, (token) => {
    if (token === "*") return ".*";
    if (token === "?") return ".";
    const char = token.length > 1 && token.startsWith("\\") ? token.slice(1) : token;
    return char.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
}

function unescape(text: string): string {
  return text.replace(/\\([/}])/g, "$1");
}
