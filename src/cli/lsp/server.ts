import path from "node:path";
import { fileURLToPath } from "node:url";
import { CodeActionKind, CompletionItemKind, createConnection, MarkupKind, TextDocuments, TextDocumentSyncKind, type CodeAction, type CodeActionParams, type CompletionItem, type Connection, type Hover, type Location, type TextDocumentPositionParams, type TextEdit } from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { check, fix, type CheckInput, type CheckReport } from "../../api/check.ts";
import { readIgnoreFile } from "../../api/check-input.ts";
import { contextFiles } from "../../api/context-files.ts";
import type { Laminate } from "../../api/laminate.ts";
import { Failure, reasonOf } from "../../base/failure.ts";
import { completeAt, directoryWanted, type Completion } from "../../dockerfile/editor/complete.ts";
import { definitionAt } from "../../dockerfile/editor/definition.ts";
import { hoverAt } from "../../dockerfile/editor/hover.ts";
import { formatDockerfile } from "../../dockerfile/format/format.ts";
import { IgnoreError } from "../../dockerfile/ignore.ts";
import { parseDockerfile } from "../../dockerfile/parse/parse.ts";
import { isHarmless } from "../../dockerfile/rules/mend.ts";
import { actionOf, diagnosticsOf, fromProtocol, meets, toProtocol } from "./diagnostics.ts";

/** How long one must not have typed before the text is checked, in milliseconds. */
const PAUSE = 120;

const SETTINGS = { buildArgs: {} } as const;

/** Serves an editor over two streams (Language Server Protocol 3.17); `version` is ours. The library ends the process when the editor says so, or is gone. */
export function serve(input: NodeJS.ReadableStream, output: NodeJS.WritableStream, { laminate, version }: { readonly laminate: Laminate | undefined; readonly version: string }): void {
  const connection = createConnection(input, output);
  const documents = new TextDocuments(TextDocument);
  connection.onInitialize(() => ({
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      hoverProvider: true,
      definitionProvider: true,
      documentFormattingProvider: true,
      completionProvider: { triggerCharacters: ["-", "=", ",", "/", "$", "{"] },
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.SourceFixAll] },
    },
    serverInfo: { name: "laminate", version },
  }));
  const ask = <P extends TextDocumentPositionParams | CodeActionParams | { readonly textDocument: { readonly uri: string } }, R>(none: R, answer: (document: TextDocument, params: P) => Promise<R> | R) => async (params: P): Promise<R> => {
    const document = documents.get(params.textDocument.uri);
    return document === undefined ? none : await answer(document, params);
  };
  connection.onHover(ask<TextDocumentPositionParams, Hover | null>(null, hover));
  connection.onDefinition(ask<TextDocumentPositionParams, Location | null>(null, definition));
  connection.onCompletion(ask<TextDocumentPositionParams, CompletionItem[]>([], complete));
  connection.onDocumentFormatting(ask([], format));
  connection.onCodeAction(ask<CodeActionParams, CodeAction[]>([], (document, params) => actions(laminate, document, params)));
  checkWhileTyping(connection, documents, laminate);
  documents.listen(connection);
  connection.listen();
}

/** Sends what a check finds when a document is opened, and when one has paused after a change. */
function checkWhileTyping(connection: Connection, documents: TextDocuments<TextDocument>, laminate: Laminate | undefined): void {
  const waiting = new Map<string, NodeJS.Timeout>();
  documents.onDidChangeContent(({ document: { uri } }) => {
    clearTimeout(waiting.get(uri));
    const say = (error: unknown): void => connection.console.error(`check ${uri}: ${reasonOf(error)}`);
    waiting.set(uri, setTimeout(() => void tell(uri).catch(say), PAUSE));
  });
  documents.onDidClose(({ document: { uri } }) => {
    clearTimeout(waiting.get(uri));
    waiting.delete(uri);
    void connection.sendDiagnostics({ uri, diagnostics: [] });
  });
  const tell = async (uri: string): Promise<void> => {
    const document = documents.get(uri);
    if (document === undefined) return;
    const { version } = document;
    const report = await reportOf(laminate, document);
    if (documents.get(uri)?.version !== version) return;
    await connection.sendDiagnostics({ uri, version, diagnostics: diagnosticsOf(report, uri) });
  };
}

async function reportOf(laminate: Laminate | undefined, document: TextDocument): Promise<CheckReport> {
  return await check(laminate, await inputOf(document), SETTINGS);
}

async function inputOf(document: TextDocument): Promise<CheckInput> {
  const file = fileOf(document);
  const name = path.basename(file ?? "Dockerfile");
  const ignore = file === undefined ? undefined : await readIgnoreFile(file, path.dirname(file)).catch(ignoreNone);
  return { text: document.getText(), name, ...(ignore === undefined ? {} : { ignore }) };
}

function ignoreNone(error: unknown): undefined {
  if (!(error instanceof IgnoreError)) throw error;
}

/** Undefined for a text that is no file yet. */
function fileOf({ uri }: TextDocument): string | undefined {
  return uri.startsWith("file:") ? fileURLToPath(uri) : undefined;
}

function hover(document: TextDocument, { position }: TextDocumentPositionParams): Hover | null {
  const found = hoverAt(document.getText(), fromProtocol(position));
  return found === undefined ? null : { range: toProtocol(found.range), contents: { kind: MarkupKind.Markdown, value: found.markdown } };
}

function definition(document: TextDocument, { position }: TextDocumentPositionParams): Location | null {
  const found = definitionAt(document.getText(), fromProtocol(position));
  return found === undefined ? null : { uri: document.uri, range: toProtocol(found.range) };
}

const KINDS: Readonly<Record<Completion["kind"], CompletionItemKind>> = {
  instruction: CompletionItemKind.Keyword,
  flag: CompletionItemKind.Property,
  value: CompletionItemKind.Value,
  stage: CompletionItemKind.Module,
  variable: CompletionItemKind.Variable,
  file: CompletionItemKind.File,
  directory: CompletionItemKind.Folder,
};

async function complete(document: TextDocument, { position }: TextDocumentPositionParams): Promise<CompletionItem[]> {
  const [text, place, file] = [document.getText(), fromProtocol(position), fileOf(document)];
  const directory = directoryWanted(text, place);
  const files = directory === undefined || file === undefined ? [] : await contextFiles(file, directory);
  return completeAt(text, place, files).map(({ kind, label, markdown, range }) => ({
    label,
    kind: KINDS[kind],
    textEdit: { range: toProtocol(range), newText: label },
    ...(markdown === undefined ? {} : { documentation: { kind: MarkupKind.Markdown, value: markdown } }),
  }));
}

function format(document: TextDocument): TextEdit[] {
  try {
    return replaceAll(document, formatDockerfile(document.getText(), "Dockerfile"));
  } catch (error) {
    // A mistake is told as one; formatting can wait until it is mended.
    if (error instanceof Failure) return [];
    throw error;
  }
}

/** The fixes of findings where the cursor is, each that does no harm, and one for all of them. */
async function actions(laminate: Laminate | undefined, document: TextDocument, { range, context }: CodeActionParams): Promise<CodeAction[]> {
  const { uri } = document;
  const report = await reportOf(laminate, document);
  const fixable = report.findings.filter((finding) => finding.fix !== undefined);
  if (fixable.length === 0) return [];
  const text = document.getText();
  const dockerfile = parseDockerfile(text, report.source.name);
  const here = fixable.filter((finding) => meets(toProtocol(finding.range), range) && isHarmless(text, dockerfile, [finding]));
  const { text: fixed } = await fix(laminate, await inputOf(document), SETTINGS);
  const all: CodeAction = { title: "Make all safe fixes", kind: CodeActionKind.SourceFixAll, edit: { changes: { [uri]: replaceAll(document, fixed) } } };
  const isWanted = ({ kind = "" }: CodeAction): boolean => context.only === undefined || context.only.some((only) => kind === only || kind.startsWith(`${only}.`));
  return [...here.map((finding) => actionOf(finding, uri)), ...(fixed === text ? [] : [all])].filter(isWanted);
}

function replaceAll(document: TextDocument, newText: string): TextEdit[] {
  const text = document.getText();
  return text === newText ? [] : [{ range: { start: document.positionAt(0), end: document.positionAt(text.length) }, newText }];
}
