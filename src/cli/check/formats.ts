import type { CheckReport } from "../../api/check.ts";
import { printFinding } from "../../dockerfile/rules/print.ts";
import { ruleUrl } from "../../dockerfile/rules/rule.ts";
import { RULES } from "../../dockerfile/rules/rules.ts";
import { printable } from "../printable.ts";
import { packageVersion } from "../version.ts";
import { dockerJson } from "./docker-report.ts";

export const FORMATS = ["text", "json", "sarif", "github"] as const;
export type Format = (typeof FORMATS)[number];

/** What `laminate check` prints on standard output. */
export function formatReport(report: CheckReport, format: Format): string {
  switch (format) {
    case "text":
      return text(report);
    case "json":
      return dockerJson(report);
    case "sarif":
      return `${JSON.stringify(sarif(report), null, 2)}\n`;
    case "github":
      return github(report);
  }
}

function text({ findings, source, error }: CheckReport): string {
  const blocks = findings.map((finding) => printable(printFinding(source, finding)));
  const fixable = findings.filter(({ fix }) => fix !== undefined).length;
  const count = findings.length === 1 ? "1 finding" : `${findings.length} findings`;
  const help = fixable === 0 ? "" : `, ${fixable} with a fix: --diff shows what --fix does`;
  const end = findings.length > 0 ? [`${count}${help}`] : error === undefined ? ["no findings"] : [];
  return [...blocks, ...end].map((block) => `${block}\n`).join("");
}

/** SARIF 2.1.0 (OASIS), as code hosts read it. */
function sarif({ findings, source, error }: CheckReport) {
  const uri = encodeURI(source.name);
  const region = (range: { start: Place; end: Place }) => ({ startLine: range.start.line, startColumn: range.start.column, endLine: range.end.line, endColumn: range.end.column });
  const place = (range: { start: Place; end: Place }) => ({ physicalLocation: { artifactLocation: { uri }, region: region(range) } });
  const results = findings.map(({ rule, message, range, related, fix }) => ({
    ruleId: rule.name,
    ruleIndex: RULES.indexOf(rule),
    level: "warning",
    message: { text: message },
    locations: [place(range)],
    ...(related === undefined ? {} : { relatedLocations: [{ id: 1, message: { text: related.message }, ...place(related.range) }] }),
    ...(fix === undefined
      ? {}
      : {
          fixes: [
            {
              description: { text: fix.summary },
              artifactChanges: [{ artifactLocation: { uri }, replacements: fix.edits.map((edit) => ({ deletedRegion: region(edit.range), insertedContent: { text: edit.text } })) }],
            },
          ],
        }),
  }));
  const start = { line: error?.line ?? 1, column: error?.column ?? 1 };
  const mistake = error === undefined ? [] : [{ level: "error", message: { text: error.problem }, locations: [place({ start, end: start })] }];
  const rules = RULES.map((rule) => ({ id: rule.name, shortDescription: { text: rule.description }, helpUri: ruleUrl(rule) }));
  const driver = { name: "laminate", version: packageVersion(), rules };
  return { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [{ tool: { driver }, columnKind: "utf16CodeUnits", results: [...results, ...mistake] }] };
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Workflow commands, which GitHub shows beside the lines. */
function github({ findings, source, error }: CheckReport): string {
  const file = property(source.name);
  const lines = findings.map(({ rule, message, range, lines: { last } }) => `::warning file=${file},line=${range.start.line},endLine=${Math.max(last, range.start.line)},col=${range.start.column},title=${rule.name}::${data(message)}\n`);
  const mistake = error === undefined ? [] : [`::error file=${file},line=${error.line ?? 1},col=${error.column ?? 1}::${data(error.problem)}\n`];
  return [...lines, ...mistake].join("");
}

function data(value: string): string {
  return value.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(value: string): string {
  return data(value).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
