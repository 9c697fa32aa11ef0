import { CodeActionKind, DiagnosticSeverity, type CodeAction, type Diagnostic, type Range as ProtocolRange, type TextEdit } from "vscode-languageserver/node";
import type { CheckReport } from "../../api/check.ts";
import type { Related } from "../../diagnostics/source-error.ts";
import type { Position, Range } from "../../diagnostics/source-text.ts";
import type { Checked } from "../../dockerfile/rules/check.ts";
import { ruleUrl } from "../../dockerfile/rules/rule.ts";

/** What a check found, as an editor shows it: the mistake, if there is one, and the findings. */
export function diagnosticsOf({ findings, error }: CheckReport, uri: string): Diagnostic[] {
  const mistake = error?.range === undefined ? [] : [{ severity: DiagnosticSeverity.Error, source: "laminate", range: toProtocol(error.range), message: error.hint === undefined ? error.problem : `${error.problem}\n${error.hint}`, ...relatedTo(error.related, uri) }];
  return [...mistake, ...findings.map((finding) => diagnosticOf(finding, uri))];
}

function diagnosticOf({ rule, message, range, related }: Checked, uri: string): Diagnostic {
  return { severity: DiagnosticSeverity.Warning, source: "laminate", code: rule.name, codeDescription: { href: ruleUrl(rule) }, range: toProtocol(range), message, ...relatedTo(related, uri) };
}

function relatedTo(related: Related | undefined, uri: string): Pick<Diagnostic, "relatedInformation"> {
  return related === undefined ? {} : { relatedInformation: [{ location: { uri, range: toProtocol(related.range) }, message: related.message }] };
}

/** The fix of a finding, as an action. */
export function actionOf(finding: Checked, uri: string): CodeAction {
  const { summary, edits } = finding.fix!;
  const changes: TextEdit[] = edits.map(({ range, text }) => ({ range: toProtocol(range), newText: text }));
  return { title: summary.charAt(0).toUpperCase() + summary.slice(1), kind: CodeActionKind.QuickFix, diagnostics: [diagnosticOf(finding, uri)], edit: { changes: { [uri]: changes } } };
}

/** Places of ours count from 1, those of the protocol from 0; both count UTF-16 units. */
export function toProtocol({ start, end }: Range): ProtocolRange {
  return { start: { line: start.line - 1, character: start.column - 1 }, end: { line: end.line - 1, character: end.column - 1 } };
}

export function fromProtocol({ line, character }: ProtocolRange["start"]): Position {
  return { line: line + 1, column: character + 1 };
}

/** Whether two ranges touch. */
export function meets(a: ProtocolRange, b: ProtocolRange): boolean {
  return !isBefore(a.end, b.start) && !isBefore(b.end, a.start);
}

function isBefore(a: ProtocolRange["start"], b: ProtocolRange["start"]): boolean {
  return a.line < b.line || (a.line === b.line && a.character < b.character);
}
