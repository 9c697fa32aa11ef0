import { Failure } from "../../base/failure.ts";
import { starExpression, tooLarge } from "../../base/star-expression.ts";

/** An escape in a pattern that BuildKit refuses. */
export class PatternError extends Failure {
  readonly code = "bad-pattern" as const;
}

/** Shell patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*`, `?` and escapes, no bracket expressions (as BuildKit has them). */

/** `${value#pattern}`, or with `greedy` `${value##pattern}`. */
export function removePrefix(value: string, pattern: string, greedy: boolean): string {
  const match = expressionOf(segmentsOf(pattern), greedy).exec(value);
  return value.slice(match?.[0].length ?? 0);
}

/** `${value%pattern}`, or with `greedy` `${value%%pattern}`: the prefix of the value read backwards. */
export function removeSuffix(value: string, pattern: string, greedy: boolean): string {
  const backwards = expressionOf(segmentsOf(reversed(pattern)), greedy);
  const match = backwards.exec([...value].toReversed().join(""));
  return value.slice(0, value.length - (match?.[0].length ?? 0));
}

/** A pattern read backwards, escapes staying escapes: one that escapes nothing at the end comes to escape what was before it, as in BuildKit. */
function reversed(pattern: string): string {
  return (pattern.match(TOKEN) ?? []).toReversed().join("");
}

/** `${value/pattern/replacement}`, or with `all` `${value//pattern/replacement}`; an empty pattern is found before every character and at the end. */
export function replacePattern(
  value: string,
  pattern: string,
  replacement: string,
  all: boolean,
): string {
  let [result, from] = ["", 0];
  for (const { start, end } of placesOf(value, segmentsOf(pattern))) {
    // Go's ReplaceAllString takes the replacement for a template; BuildKit uses it for all places alone.
    const put = all ? expandTemplate(replacement, value.slice(start, end)) : replacement;
    result += value.slice(from, start) + put;
    from = end;
    if (!all) break;
  }
  return result + value.slice(from);
}

/** Where a pattern matches, as Go's regexp.FindAll: from the left, each as long as can be, an empty one not at the end of another. */
function* placesOf(
  value: string,
  segments: readonly Segment[],
): Generator<{ readonly start: number; readonly end: number }> {
  const first = new RegExp(segments[0]!.join(""), "gu");
  const whole = expressionOf(segments, true);
  let before = -1;
  for (let at = 0; at <= value.length; ) {
    first.lastIndex = at;
    const start = first.exec(value)?.index;
    if (start === undefined) {
      return;
    }
    whole.lastIndex = start;
    const match = whole.exec(value);
    if (match === null) {
      // What a star does not find from here, it finds from no later place of the line.
      const line = value.indexOf("\n", start);
      at = segments.length > 1 && line >= 0 ? line + 1 : segments.length > 1 ? value.length + 1 : start + 1;
      continue;
    }
    const end = start + match[0].length;
    if (end > start || start !== before) {
      yield { start, end };
    }
    before = end;
    at = end > start ? end : start + (value.codePointAt(start)! > 0xffff ? 2 : 1);
  }
}

/** The atoms between two stars, each for one character. */
type Segment = readonly string[];

const ANY = "[^\\n]";
const TOKEN = /\\?[^]/gu;

function segmentsOf(pattern: string): Segment[] {
  const large = tooLarge(pattern);
  if (large !== undefined) {
    throw new PatternError(`a pattern cannot be looked for: ${large}`);
  }
  const segments: string[][] = [[]];
  for (const token of pattern.match(TOKEN) ?? []) {
    if (token === "*") {
      segments.push([]);
    } else {
      segments.at(-1)!.push(token === "?" ? ANY : literal(token));
    }
  }
  return segments;
}

function literal(token: string): string {
  const isEscaped = token.startsWith("\\");
  const char = isEscaped ? token.slice(1) : token;
  if (isEscaped && (char === "" || !"*?\\/}".includes(char))) {
    throw new PatternError(`invalid escape "${token}" in a pattern`, {
      hint: "the escapes are \\* \\? \\\\ \\/ \\}",
    });
  }
  return char.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
}

/** For a match that begins where it is asked for. */
function expressionOf(segments: readonly Segment[], greedy: boolean): RegExp {
  const written = segments.map((segment) => segment.join(""));
  return new RegExp(starExpression(written, ANY, { greedy, group: "s" }), "uy");
}

/** Go's Regexp.Expand for an expression without groups. */
function expandTemplate(template: string, match: string): string {
  return template.replace(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (found, braced?: string, plain?: string) =>
    found === "$$" ? "$" : (braced ?? plain) === "0" ? match : "",
  );
}
