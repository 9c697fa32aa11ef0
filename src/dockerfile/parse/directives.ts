import type { Range, SourceText } from "../../diagnostics/source-text.ts";
import { DockerfileError } from "../dockerfile-error.ts";

/** The parser directives at the top of a Dockerfile (`# escape=…`). */
export interface Directives {
  readonly escape: string;
  readonly syntax?: string;
  readonly check?: string;
}

const DIRECTIVE = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$/;
const KNOWN = new Set(["syntax", "escape", "check"]);
/** Docker's own frontend, in its channels and versions; a mirror has it below its own host. */
const DOCKERFILE_SYNTAX = /^(?:[\w.-]+(?::\d+)?\/(?:[\w.-]+\/)*)?docker\/dockerfile(?:-upstream)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$/;

/** Whether a frontend's language is the one that this parser speaks. */
export function isKnownFrontend(reference: string): boolean {
  return DOCKERFILE_SYNTAX.test(reference);
}

/** Reads the directives; the first line that is none ends them, and later ones are comments. */
export function readDirectives(source: SourceText): Directives {
  const found: Record<string, string> = {};
  const places: Record<string, Range> = {};
  for (let line = 1; line <= source.rawLines.length; line += 1) {
    const text = source.line(line);
    const match = DIRECTIVE.exec(text.trimStart());
    const name = match?.[1]!.toLowerCase();
    if (name === undefined || !KNOWN.has(name)) {
      break;
    }
    const value = match![2]!;
    const range: Range = { start: { line, column: 1 }, end: { line, column: text.length + 1 } };
    const first = places[name];
    if (first !== undefined) {
      throw new DockerfileError(
        "syntax",
        source,
        range,
        `only one ${name} parser directive can be used`,
        { related: { range: first, message: "it is given here first" } },
      );
    }
    found[name] = value;
    places[name] = range;
    const column = text.lastIndexOf(value) + 1;
    const place = { start: { line, column }, end: { line, column: column + value.length } };
    check(source, place, name, value);
  }
  const { escape = "\\", syntax, check: checks } = found;
  return {
    escape,
    ...(syntax === undefined ? {} : { syntax }),
    ...(checks === undefined ? {} : { check: checks }),
  };
}

function check(source: SourceText, range: Range, name: string, value: string): void {
  if (name === "escape" && value !== "\\" && value !== "`") {
    throw new DockerfileError(
      "syntax",
      source,
      range,
      `the escape character ${JSON.stringify(value)} is neither "\\" nor "\`"`,
    );
  }
  if (name === "syntax" && !isKnownFrontend(value)) {
    throw new DockerfileError(
      "unsupported",
      source,
      range,
      `the frontend ${JSON.stringify(value)} cannot be run: only docker/dockerfile is understood`,
      { hint: "as in # syntax=docker/dockerfile:1, which also may be left out" },
    );
  }
}
