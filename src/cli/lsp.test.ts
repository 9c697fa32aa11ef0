import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CodeActionRequest, CompletionRequest, createProtocolConnection, DefinitionRequest, DidChangeTextDocumentNotification, DidOpenTextDocumentNotification, DocumentFormattingRequest, ExitNotification, HoverRequest,
  InitializedNotification, InitializeRequest, PublishDiagnosticsNotification, ShutdownRequest, StreamMessageReader, StreamMessageWriter,
  type CodeAction, type CompletionItem, type Diagnostic, type MarkupContent, type ProtocolConnection, type PublishDiagnosticsParams, type TextEdit,
} from "vscode-languageserver-protocol/node";

// A client as an editor has one, and the command as it starts it.

const directory = mkdtempSync(path.join(tmpdir(), "laminate-lsp-"));
const uri = pathToFileURL(path.join(directory, "Dockerfile")).href;
let server: ChildProcess;
let client: ProtocolConnection;
const published: PublishDiagnosticsParams[] = [];
let arrived = (): void => {};
let version = 0;

beforeAll(async () => {
  mkdirSync(path.join(directory, "src"));
  for (const name of ["package.json", "src/main.js", "debug.log"]) writeFileSync(path.join(directory, name), "");
  writeFileSync(path.join(directory, ".dockerignore"), "*.log\n");
  const env = { ...process.env, LAMINATE_SOURCE: "1", LAMINATE_ROOT: path.join(directory, "store") };
  server = spawn(path.join(import.meta.dirname, "../../bin/laminate"), ["lsp", "--stdio"], { stdio: ["pipe", "pipe", "inherit"], env });
  client = createProtocolConnection(new StreamMessageReader(server.stdout!), new StreamMessageWriter(server.stdin!));
  client.onNotification(PublishDiagnosticsNotification.type, (params) => {
    published.push(params);
    arrived();
  });
  client.listen();
  const { capabilities, serverInfo } = await client.sendRequest(InitializeRequest.type, { processId: process.pid, rootUri: null, capabilities: {} });
  expect(serverInfo?.name).toBe("laminate");
  expect(capabilities).toMatchObject({ hoverProvider: true, definitionProvider: true, documentFormattingProvider: true });
  await client.sendNotification(InitializedNotification.type, {});
  await client.sendNotification(DidOpenTextDocumentNotification.type, { textDocument: { uri, languageId: "dockerfile", version, text: "FROM scratch\n" } });
});

afterAll(async () => {
  const ended = new Promise<number | null>((resolve) => server.once("exit", resolve));
  await client.sendRequest(ShutdownRequest.type);
  await client.sendNotification(ExitNotification.type);
  expect(await ended).toBe(0);
  client.dispose();
  rmSync(directory, { recursive: true });
});

/** Writes the text into the editor; `|` is where the cursor is. */
async function type(text: string): Promise<{ readonly line: number; readonly character: number }> {
  const before = text.split("|")[0]!.split("\n");
  version += 1;
  const contentChanges = [{ text: text.replace("|", "") }];
  await client.sendNotification(DidChangeTextDocumentNotification.type, { textDocument: { uri, version }, contentChanges });
  return { line: before.length - 1, character: before.at(-1)!.length };
}

async function diagnostics(text: string): Promise<readonly Diagnostic[]> {
  await type(text);
  for (;;) {
    const found = published.find((one) => one.version === version);
    if (found !== undefined) return found.diagnostics;
    await new Promise<void>((resolve) => (arrived = resolve));
  }
}

async function complete(text: string): Promise<readonly string[]> {
  const position = await type(text);
  const items = (await client.sendRequest(CompletionRequest.type, { textDocument: { uri }, position })) as CompletionItem[];
  return items.map(({ label }) => label);
}

async function hover(text: string): Promise<string> {
  const position = await type(text);
  const found = await client.sendRequest(HoverRequest.type, { textDocument: { uri }, position });
  return (found?.contents as MarkupContent | undefined)?.value ?? "";
}

const range = (line: number, from: number, to: number, endLine = line) => ({ start: { line, character: from }, end: { line: endLine, character: to } });

describe("diagnostics", () => {
  test("a mistake, with its hint and the second place", async () => {
    const found = await diagnostics("FROM debian AS one\nCOPY --from=two /a /\nFROM debian AS two\n");
    expect(found).toMatchObject([{ severity: 1, source: "laminate", range: range(1, 5, 15), message: expect.stringContaining('cannot copy from stage "two"') as string, relatedInformation: [{ location: { uri, range: range(2, 0, 4) }, message: "it is defined here" }] }]);
    expect((await diagnostics("FROM scratch\nCOYP a /\n"))[0]).toMatchObject({ range: range(1, 0, 4), message: 'unknown instruction "COYP"\ndid you mean COPY?' });
  });

  test("the findings of the build checks, and none when they are mended", async () => {
    const found = await diagnostics("# check=experimental=all\nFROM scratch as b\nENV A b\nCOPY debug.log /\n");
    expect(found.map(({ code, severity }) => [code, severity])).toEqual([["FromAsCasing", 2], ["LegacyKeyValueFormat", 2], ["CopyIgnoredFile", 2]]);
    expect(found[0]).toMatchObject({ range: range(1, 13, 15), codeDescription: { href: expect.stringContaining("from-as-casing") as string } });
    expect(await diagnostics("FROM scratch AS b\nENV A=b\n")).toEqual([]);
  });
});

test("fixes, one by one where the cursor is, and all at once", async () => {
  const text = "FROM scratch as b\nENV A b\n";
  await diagnostics(text);
  const context = { diagnostics: [] };
  const found = (await client.sendRequest(CodeActionRequest.type, { textDocument: { uri }, range: range(0, 14, 14), context })) as CodeAction[];
  expect(found.map(({ title, kind }) => [title, kind])).toEqual([["Write AS", "quickfix"], ["Make all safe fixes", "source.fixAll"]]);
  expect(found[0]!.edit!.changes![uri]).toEqual([{ range: range(0, 13, 15), newText: "AS" }]);
  expect(found[1]!.edit!.changes![uri]).toEqual([{ range: range(0, 0, 0, 2), newText: "FROM scratch AS b\nENV A=b\n" }]);
  const only = { ...context, only: ["source.fixAll"] };
  expect(await client.sendRequest(CodeActionRequest.type, { textDocument: { uri }, range: range(1, 0, 0), context: only })).toHaveLength(1);
});

test("the reference of instructions, flags and mounts, and what names stand for", async () => {
  expect(await hover("FROM scratch\nHEALTH|CHECK NONE\n")).toMatch(/^```dockerfile\nHEALTHCHECK \[[^]*says whether a container is well/);
  expect(await hover("FROM scratch\nONBUILD CO|PY . /\n")).toContain("Copies files of the build context");
  expect(await hover("FROM scratch\nCOPY --ch|mod=644 a /\n")).toContain("octal (`644`)");
  expect(await hover("FROM scratch\nRUN --mount=type=ca|che,target=/x \\\n  true\n")).toContain("kept from build to build");
  expect(await hover("FROM scratch\nRUN --network=none \\\n  --mount=type=cache,sha|ring=locked,target=/x true\n")).toContain("wait for one another");
  expect(await hover("ARG v=1\nFROM debian:$|v\n")).toBe("```dockerfile\nARG v=1\n```\nline 1");
  expect(await hover("FROM debian AS a\nFROM scratch\nCOPY --from=|a /x /\n")).toContain("FROM debian AS a\n```\nline 1");
  expect(await hover("FROM scratch\n# CO|PY\n")).toBe("");
  expect(await hover("FROM scratch\nCOPY <<E /a\nRU|N\nE\n")).toBe("");
});

describe("completion", () => {
  test.each<[what: string, text: string, expected: readonly string[], not?: readonly string[]]>([
    ["instructions at the beginning of a line", "FROM scratch\n|", ["RUN", "COPY", "HEALTHCHECK"]],
    ["instructions that are begun", "FROM scratch\nCO|", ["COPY", "FROM"]],
    ["instructions after ONBUILD", "FROM scratch\nONBUILD |", ["COPY", "RUN"]],
    ["flags of an instruction", "FROM scratch\nCOPY --|", ["--from=", "--link", "--parents"], ["--mount="]],
    ["flags after flags, on a line that goes on", "FROM scratch\nRUN --network=none \\\n    --|", ["--mount=", "--security="]],
    ["stages before this one", "FROM a AS one\nFROM b AS two\nCOPY --from=|\nFROM c AS three\n", ["one"], ["two", "three"]],
    ["stages of FROM", "FROM a AS one\nFROM |", ["one", "scratch"]],
    ["AS", "FROM debian |", ["AS"]],
    ["types of mounts", "FROM scratch\nRUN --mount=type=|", ["bind", "cache", "tmpfs", "secret", "ssh"]],
    ["options of mounts", "FROM scratch\nRUN --mount=type=cache,|", ["target=", "sharing=", "ro"]],
    ["values of options", "FROM scratch\nRUN --mount=type=cache,sharing=|", ["shared", "private", "locked"]],
    ["stages of a mount", "FROM a AS one\nFROM b\nRUN --mount=from=|", ["one"]],
    ["values of flags", "FROM scratch\nRUN --network=|", ["none", "host"]],
    ["files of the context that are not ignored", "FROM scratch\nCOPY |", ["package.json", "src/"], ["debug.log"]],
    ["files of a directory", "FROM scratch\nCOPY package.json ./src/|", ["main.js"], ["package.json"]],
    ["files in a list", 'FROM scratch\nCOPY ["sr|', ["src/"]],
    ["variables", "ARG a=1\nFROM scratch\nARG b\nENV c=1 d=2\nRUN echo $|", ["b", "c", "d"], ["a"]],
    ["variables of FROM", "ARG a=1\nFROM debian:${|", ["a"]],
  ])("%s", async (_, text, expected, not = []) => {
    const labels = await complete(text);
    expect(labels).toEqual(expect.arrayContaining([...expected]));
    expect(labels.filter((label) => not.includes(label))).toEqual([]);
  });

  test("takes the place of the word as far as it is written", async () => {
    const position = await type("FROM scratch\nCOPY ./src/ma|");
    const items = (await client.sendRequest(CompletionRequest.type, { textDocument: { uri }, position })) as CompletionItem[];
    expect(items[0]!.textEdit).toEqual({ range: range(1, 11, 13), newText: "main.js" });
  });

  test("nothing in comments and here-documents", async () => {
    expect(await complete("FROM scratch\n# |")).toEqual([]);
    expect(await complete("FROM scratch\nCOPY <<E /a\n|\nE\n")).toEqual([]);
  });
});

test("the definition of a stage and of a variable", async () => {
  const definition = async (text: string): Promise<unknown> => {
    const position = await type(text);
    return await client.sendRequest(DefinitionRequest.type, { textDocument: { uri }, position });
  };
  expect(await definition("FROM debian AS build\nFROM bui|ld\n")).toEqual({ uri, range: range(0, 15, 20) });
  expect(await definition("FROM debian AS build\nFROM scratch\nCOPY --from=buil|d /a /\n")).toEqual({ uri, range: range(0, 15, 20) });
  expect(await definition("FROM debian\nFROM scratch\nCOPY --from=0| /a /\n")).toEqual({ uri, range: range(0, 0, 4) });
  expect(await definition("FROM debian AS build\nFROM scratch\nRUN --mount=from=bui|ld,target=/x true\n")).toEqual({ uri, range: range(0, 15, 20) });
  expect(await definition("FROM scratch\nENV a=1 \\\n  b=2\nRUN echo ${b|:-x}\n")).toEqual({ uri, range: range(2, 2, 3) });
  expect(await definition("FROM deb|ian\n")).toBeNull();
});

test("formatting, and none where there is a mistake", async () => {
  const format = async (text: string): Promise<readonly TextEdit[] | null> => {
    await type(text);
    return await client.sendRequest(DocumentFormattingRequest.type, { textDocument: { uri }, options: { tabSize: 4, insertSpaces: true } });
  };
  expect(await format("from   scratch\ncopy a   /\n")).toEqual([{ range: range(0, 0, 0, 2), newText: "FROM scratch\nCOPY a /\n" }]);
  expect(await format("FROM scratch\n")).toEqual([]);
  expect(await format("FROM scratch\nRNU x\n")).toEqual([]);
});
