import { nearest } from "../../base/nearest.ts";
import type { SourceErrorOptions } from "../../diagnostics/source-error.ts";
import type { DockerfileError } from "../dockerfile-error.ts";
import { errorAt, type Statement, type Word } from "./statement.ts";

/** How each instruction is written, for a person who left its argument out. */
const EXAMPLES: Readonly<Record<string, string>> = {
  ARG: "ARG version=1",
  RUN: "RUN apt-get update",
  ENV: "ENV LANG=C.UTF-8",
  LABEL: "LABEL version=1",
  WORKDIR: "WORKDIR /srv",
  USER: "USER www-data",
  STOPSIGNAL: "STOPSIGNAL SIGTERM",
  MAINTAINER: "MAINTAINER me@example.com",
  EXPOSE: "EXPOSE 8080",
  VOLUME: "VOLUME /data",
  CMD: 'CMD ["nginx", "-g", "daemon off;"]',
  ENTRYPOINT: 'ENTRYPOINT ["/entrypoint.sh"]',
  SHELL: 'SHELL ["/bin/bash", "-c"]',
  ONBUILD: "ONBUILD COPY . /srv",
};

/** An instruction with nothing after it. */
export function needsArgument(statement: Statement): DockerfileError {
  const { keyword } = statement;
  const example = EXAMPLES[keyword];
  return errorAt(
    statement,
    undefined,
    "bad-argument",
    `${keyword} needs an argument`,
    example === undefined ? {} : { hint: `as in ${example}` },
  );
}

/** A keyword (or, after ONBUILD, a word) that is none: with the nearest one, or why the line was taken for an instruction. */
export function unknownInstruction(
  statement: Statement,
  word: Word | undefined,
  known: readonly string[],
): DockerfileError {
  const written = word?.text ?? statement.line.text.slice(0, statement.keyword.length);
  const near = nearest(written, known);
  const options =
    near === undefined ? reasonFor(statement, written, known) : { hint: `did you mean ${near}?` };
  return errorAt(
    statement,
    word,
    "unknown-instruction",
    `unknown instruction ${JSON.stringify(written)}`,
    options,
  );
}

/** The line before may have been meant to go on here. */
function reasonFor(
  { source, line, escape }: Statement,
  written: string,
  known: readonly string[],
): SourceErrorOptions {
  const before = line.firstLine - 1;
  const text = source.line(before).trimEnd();
  const indented = rangeStart(source.line(line.firstLine)) > 1;
  if (before < 1 || text.trim() === "" || text.trimStart().startsWith("#")) {
    return all(known);
  }
  const at = (length: number, message: string) => {
    const end = { line: before, column: text.length + 1 };
    return { range: { start: { ...end, column: end.column - length }, end }, message };
  };
  const other = escape === "`" ? "\\" : "`";
  if (text.endsWith(other)) {
    return {
      hint: `the escape character is ${escape} here: a line that goes on ends in it`,
      related: at(1, `${other} does not continue this line`),
    };
  }
  if (indented || /^\W/.test(written)) {
    return {
      hint: `for line ${before} to go on here, it ends in ${escape}`,
      related: at(1, "the line before ends here"),
    };
  }
  return all(known);
}

function rangeStart(line: string): number {
  return line.length - line.trimStart().length + 1;
}

function all(known: readonly string[]): SourceErrorOptions {
  return { hint: `the instructions are ${known.toSorted().join(", ")}` };
}
