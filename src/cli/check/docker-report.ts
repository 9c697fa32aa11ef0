import type { CheckReport } from "../../api/check.ts";
import { ruleUrl } from "../../dockerfile/rules/rule.ts";
import { printable } from "../printable.ts";
import { sourceExcerpt } from "../render/source-excerpt.ts";

/** What `docker build --check` prints. */
export function dockerText({ findings, source, text, error }: CheckReport): string {
  const count = findings.length;
  const found = count === 0 ? "no warnings found." : `${count} warning${count === 1 ? " has" : "s have"} been found!`;
  const blocks = findings.map(({ rule, message, lines }) => {
    const head = `WARNING: ${rule.name} - ${ruleUrl(rule)}\n${printable(message)}\n`;
    return `\n${head}${sourceExcerpt(source.name, text, lines.first, lines.last)}`;
  });
  return count === 0 && error !== undefined ? "" : `Check complete, ${found}\n${blocks.join("")}`;
}

/** What `docker build --call=check,format=json` prints: BuildKit's lint results. */
export function dockerJson({ findings, source, text, error }: CheckReport): string {
  const warnings = findings.map(({ rule, message, lines }) => ({
    ruleName: rule.name,
    description: rule.description,
    url: ruleUrl(rule),
    detail: message,
    location: location(lines.first, lines.last),
  }));
  const sources = [{ filename: source.name, data: Buffer.from(text).toString("base64"), language: "Dockerfile" }];
  const buildError = error === undefined ? {} : { buildError: { message: error.problem, location: error.line === undefined ? {} : location(error.line, error.line) } };
  return `${JSON.stringify({ warnings: warnings.length === 0 ? null : warnings, sources, ...buildError }, null, 2)}\n`;
}

/** A range a line, as BuildKit has it. */
export function location(first: number, last: number) {
  const ranges = Array.from({ length: last - first + 1 }, (_, place) => ({ start: { line: first + place }, end: { line: first + place } }));
  return { ranges };
}
