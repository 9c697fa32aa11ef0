import type { SourceText } from "../../diagnostics/source-text.ts";
import { parseDockerfile } from "../parse/parse.ts";
import { layOut, type LaidOut } from "./layout.ts";
import { instructionsOf, piecesOf } from "./pieces.ts";
import { sameMeaning } from "./same-meaning.ts";

/**
 * A Dockerfile in its one form: keywords in capitals, one space between words, four before a line that goes on, an
 * empty line before each stage and never two. Comments, here-documents and whatever a shell will see stay as they are.
 * The result is read again: it says the same, or this throws. Throws DockerfileError for a text that is no Dockerfile.
 */
export function formatDockerfile(text: string, file: string): string {
  const dockerfile = parseDockerfile(text, file);
  const { source } = dockerfile;
  const output = new Output(directiveLines(source));
  let next = 1;
  for (const instruction of instructionsOf(dockerfile)) {
    const { statement } = instruction;
    output.between(source, next, statement.line.firstLine);
    if (instruction.kind === "FROM") output.separate();
    output.instruction(layOut(statement, piecesOf(instruction)));
    next = statement.lastLine + 1;
  }
  output.between(source, next, source.rawLines.length + 1);
  const formatted = output.text(text);
  if (!sameMeaning(dockerfile, parseDockerfile(formatted, file))) {
    throw new Error(`Internal error: ${file} would say something else when it is formatted`);
  }
  return formatted;
}

const DIRECTIVE = /^\s*#\s*(syntax|escape|check)\s*=\s*/i;

/** The lines at the top that are parser directives: they alone are comments that mean something. */
function directiveLines(source: SourceText): number {
  const first = source.rawLines.findIndex((line) => !DIRECTIVE.test(line));
  return first < 0 ? source.rawLines.length : first;
}

interface Line {
  readonly text: string;
  /** A line of a here-document: its end, too, is as it was. */
  readonly isDocument: boolean;
}

class Output {
  readonly #lines: Line[] = [];
  readonly #directives: number;
  /** Where the last instruction ends. */
  #after = 0;

  constructor(directives: number) {
    this.#directives = directives;
  }

  /** Comments and empty lines from one line up to another. */
  between(source: SourceText, from: number, to: number): void {
    for (let number = from; number < to; number += 1) {
      const text = source.line(number).trim();
      if (number <= this.#directives) {
        this.#push(text.replace(DIRECTIVE, (_, name: string) => `# ${name}=`));
      } else if (text !== "" || this.#takesEmpty(source, number)) {
        this.#push(text);
      }
    }
  }

  instruction({ lines, documents, rest }: LaidOut): void {
    for (const text of lines) this.#push(text);
    for (const text of documents) this.#lines.push({ text, isDocument: true });
    this.#after = this.#lines.length;
    for (const text of rest) this.#push(text);
  }

  /** An empty line before a stage, above the comments that belong to it. */
  separate(): void {
    let at = this.#lines.length;
    while (at > this.#after && this.#lines[at - 1]!.text !== "") at -= 1;
    if (this.#after > 0 && at === this.#after) {
      this.#lines.splice(at, 0, { text: "", isDocument: false });
    }
  }

  /** With the line ends and the byte order mark that the text had. */
  text(before: string): string {
    while (this.#endsEmpty()) this.#lines.pop();
    const end = /^[^\n]*\r\n/.test(before) ? "\r\n" : "\n";
    const mark = before.startsWith("\uFEFF") ? "\uFEFF" : "";
    return mark + this.#lines.map(({ text, isDocument }) => text + (isDocument ? "\n" : end)).join("");
  }

  #push(text: string): void {
    this.#lines.push({ text, isDocument: false });
  }

  /** At the top only where an empty line keeps the comment after it from being a directive. */
  #takesEmpty({ rawLines }: SourceText, number: number): boolean {
    return this.#lines.length > 0 ? !this.#endsEmpty() : DIRECTIVE.test(rawLines[number] ?? "");
  }

  #endsEmpty(): boolean {
    const last = this.#lines.at(-1);
    return last?.text === "" && !last.isDocument;
  }
}
