import type { PairsInstruction } from "../parse/instruction.ts";
import { findingIn, writtenKeyword, type Edit, type Fix } from "./finding.ts";
import type { Rule } from "./rule.ts";
import { walk } from "./walk.ts";

export const legacyKeyValueFormat: Rule = {
  name: "LegacyKeyValueFormat",
  description: "Legacy key/value format with whitespace separator should not be used",
  *check(subject) {
    for (const visit of walk(subject)) {
      const { instruction } = visit;
      if ((instruction.kind === "ENV" || instruction.kind === "LABEL") && isLegacy(instruction)) {
        const name = writtenKeyword(instruction.statement);
        yield findingIn(
          visit,
          instruction.statement.rest,
          `"${name} key=value" should be used instead of legacy "${name} key value" format`,
          { fix: withEquals(instruction) },
        );
      }
    }
  },
};

function isLegacy({ statement, pairs }: PairsInstruction): boolean {
  const { key } = pairs[0]!;
  return statement.line.text[key.offset + key.text.length] !== "=";
}

/** `=` in place of the spaces after the name; a value with spaces gets quotes, or, where it has some, escapes. */
function withEquals({ statement, pairs }: PairsInstruction): Fix | undefined {
  const { key, value } = pairs[0]!;
  const { line, escape } = statement;
  const keyEnd = key.offset + key.text.length;
  const gap = line.range(keyEnd, value.offset - keyEnd);
  const valueStart = line.range(value.offset, 0).start;
  if (valueStart.line !== gap.start.line) {
    return undefined;
  }
  const separator = (text: string): Edit => ({
    range: { start: gap.start, end: valueStart },
    text,
  });
  const summary = `write ${key.text}=…`;
  if (!/\s/.test(value.text)) {
    return { summary, edits: [separator("=")] };
  }
  if (!/["']/.test(value.text) && !value.text.includes(escape)) {
    const { end } = line.range(value.offset, value.text.length);
    return { summary, edits: [separator('="'), { range: { start: end, end }, text: '"' }] };
  }
  if (line.range(value.offset, value.text.length).end.line !== valueStart.line) {
    return undefined;
  }
  const places = unquotedSpaces(value.text, escape).map(
    (at) => line.range(value.offset + at, 0).start,
  );
  return {
    summary,
    edits: [
      separator("="),
      ...places.map((start) => ({ range: { start, end: start }, text: escape })),
    ],
  };
}

function unquotedSpaces(text: string, escape: string): number[] {
  const found: number[] = [];
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === escape && quote !== "'") {
      at += 1;
    } else if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
    } else if (quote === undefined && /\s/.test(char)) {
      found.push(at);
    }
  }
  return found;
}
