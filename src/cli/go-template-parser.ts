import { isFunction } from "./go-values.ts";

/** One value in a command: `.A.B`, `$x.A`, `(…).A`, a literal or a function's name. */
export type Operand =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "dot"; readonly fields: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline; readonly fields: readonly string[] };

export type Command = readonly Operand[];
export type Pipeline = readonly Command[];

interface Action {
  /** `$x :=`, or `$i, $x :=` of a range. */
  readonly variables: readonly string[];
  readonly pipeline: Pipeline;
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | ({ readonly kind: "action" } & Action)
  | ({ readonly kind: "if" | "with" | "range"; readonly body: readonly Node[]; readonly otherwise: readonly Node[] } & Action);

/** Reads a template; throws SyntaxError. */
export function parseTemplate(text: string): readonly Node[] {
  return new TemplateParser(pieces(text)).whole();
}

type Piece = { readonly text: string } | { readonly tokens: readonly string[]; readonly source: string };

const TOKEN = /\s+|:=|[|(),=]|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)'|[-+]?\d[\w.]*|\$\w*|\.[A-Za-z_]\w*|\.|[A-Za-z_]\w*/y;

/** Text and actions in turn; `{{-` and `-}}` take the space beside them away. */
function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  let trim = false;
  for (let open = text.indexOf("{{"); ; open = text.indexOf("{{", at)) {
    const raw = text.slice(at, open < 0 ? undefined : open);
    const trimsLeft = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4));
    const left = trim ? raw.trimStart() : raw;
    found.push({ text: trimsLeft ? left.trimEnd() : left });
    if (open < 0) return found;
    const close = endOfAction(text, open + 2);
    const inner = text.slice(open + (trimsLeft ? 3 : 2), close);
    trim = /\s-$/.test(inner);
    const source = (trim ? inner.slice(0, -1) : inner).trim();
    if (!/^\/\*[\s\S]*\*\/$/.test(source)) found.push({ tokens: tokensOf(source), source });
    at = close + 2;
  }
}

/** Where the `}}` of an action stands: not inside a string or comment. */
function endOfAction(text: string, from: number): number {
  const skip = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\*[\s\S]*?\*\/|\}\}/g;
  skip.lastIndex = from;
  for (let match = skip.exec(text); match !== null; match = skip.exec(text)) {
    if (match[0] === "}}") return match.index;
  }
  throw new SyntaxError("unclosed action");
}

/** Words of an action. A space is kept as a token where it separates a field from what stands before it. */
function tokensOf(source: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) throw new SyntaxError(`unexpected ${JSON.stringify(source[at])} in ${JSON.stringify(source)}`);
    tokens.push(/^\s/.test(match[0]) ? " " : match[0]);
  }
  return tokens;
}

class TemplateParser {
  readonly #pieces: Piece[];

  constructor(given: Piece[]) {
    this.#pieces = given;
  }

  whole(): Node[] {
    const { nodes, end } = this.#nodes();
    if (end !== undefined) throw new SyntaxError(`unexpected {{${end}}}`);
    return nodes;
  }

  /** Nodes up to an `end` or `else` that is not theirs. */
  #nodes(): { readonly nodes: Node[]; readonly end: string | undefined } {
    const nodes: Node[] = [];
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      if ("text" in piece) {
        if (piece.text !== "") nodes.push({ kind: "text", text: piece.text });
        continue;
      }
      const [word, ...rest] = piece.tokens;
      if (word === "end" || word === "else") return { nodes, end: piece.source };
      if (word === "if" || word === "with" || word === "range") nodes.push(this.#block(word, rest));
      else nodes.push({ kind: "action", ...parseAction(piece.tokens) });
    }
    return { nodes, end: undefined };
  }

  #block(kind: "if" | "with" | "range", tokens: readonly string[]): Node {
    const action = parseAction(tokens);
    const { nodes: body, end } = this.#nodes();
    return { kind, ...action, body, otherwise: this.#otherwise(kind, end) };
  }

  #otherwise(kind: string, end: string | undefined): Node[] {
    if (end === undefined) throw new SyntaxError(`unexpected EOF: {{${kind}}} has no {{end}}`);
    if (end === "end") return [];
    const chained = /^else\s+(if|with)\s([\s\S]*)$/.exec(end);
    if (chained !== null) return [this.#block(chained[1] as "if" | "with", tokensOf(chained[2]!))];
    const { nodes, end: last } = this.#nodes();
    if (last !== "end") throw new SyntaxError(`unexpected ${last === undefined ? "EOF" : `{{${last}}}`}`);
    return nodes;
  }
}

function parseAction(tokens: readonly string[]): Action {
  const assign = tokens.findIndex((token) => token === ":=" || token === "=");
  const variables = assign < 0 ? [] : tokens.slice(0, assign).filter((token) => token !== " " && token !== ",");
  if (variables.some((name) => !/^\$\w+$/.test(name))) throw new SyntaxError(`bad variable in ${JSON.stringify(tokens.join(""))}`);
  const reader = new PipelineParser(tokens.slice(assign + 1));
  const pipeline = reader.pipeline();
  reader.finish();
  return { variables, pipeline };
}

class PipelineParser {
  readonly #tokens: string[];

  constructor(tokens: readonly string[]) {
    this.#tokens = [...tokens];
  }

  pipeline(): Pipeline {
    const commands = [this.#command()];
    while (this.#tokens[0] === "|") {
      this.#tokens.shift();
      commands.push(this.#command());
    }
    return commands;
  }

  finish(): void {
    if (this.#tokens.length > 0) throw new SyntaxError(`unexpected ${JSON.stringify(this.#tokens[0])} in operand`);
  }

  #command(): Command {
    const operands: Operand[] = [];
    for (this.#space(); this.#tokens.length > 0 && ![")", "|"].includes(this.#tokens[0]!); this.#space()) {
      operands.push(this.#operand());
    }
    if (operands.length === 0) throw new SyntaxError("missing value for command");
    return operands;
  }

  #operand(): Operand {
    const token = this.#tokens.shift()!;
    if (token === "(") {
      const pipeline = this.pipeline();
      if (this.#tokens.shift() !== ")") throw new SyntaxError("unclosed left paren");
      return { kind: "pipeline", pipeline, fields: this.#fields() };
    }
    if (token === ".") return { kind: "dot", fields: [] };
    if (token.startsWith(".")) return { kind: "dot", fields: [token.slice(1), ...this.#fields()] };
    if (token.startsWith("$")) return { kind: "variable", name: token, fields: this.#fields() };
    return word(token);
  }

  /** Fields that follow without a space. */
  #fields(): string[] {
    const found: string[] = [];
    while (/^\.\w/.test(this.#tokens[0] ?? "")) found.push(this.#tokens.shift()!.slice(1));
    return found;
  }

  #space(): void {
    while (this.#tokens[0] === " ") this.#tokens.shift();
  }
}

function word(token: string): Operand {
  if (token === "true" || token === "false") return { kind: "literal", value: token === "true" };
  if (token === "nil") return { kind: "literal", value: null };
  if (token.startsWith("`")) return { kind: "literal", value: token.slice(1, -1) };
  if (token.startsWith('"')) return { kind: "literal", value: unquoted(token) };
  if (token.startsWith("'")) return { kind: "literal", value: unquoted(`"${token.slice(1, -1)}"`).codePointAt(0)! };
  if (/^[-+]?\d/.test(token)) return { kind: "literal", value: numberOf(token) };
  if (!isFunction(token)) throw new SyntaxError(`function ${JSON.stringify(token)} not defined`);
  return { kind: "function", name: token };
}

function numberOf(token: string): number {
  const value = Number(token);
  if (!Number.isFinite(value)) throw new SyntaxError(`bad number syntax: ${JSON.stringify(token)}`);
  return value;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v", "\\": "\\", '"': '"', "'": "'" };

function unquoted(token: string): string {
  return token.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/g, (_, hex: string | undefined, unicode: string | undefined, sign: string | undefined) => {
    const code = hex ?? unicode;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return ESCAPES[sign!] ?? sign!;
  });
}
