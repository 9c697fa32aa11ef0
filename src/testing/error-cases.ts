import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/**
 * A bad Dockerfile and what is said about it. Cases stand in files that a person can read: `=== name`, the flags of
 * the command line after `$ ` where there are some, the Dockerfile, after `--- laminate` the whole message, and after
 * `--- docker` that of `docker build`. In a Dockerfile ␍ stands for a carriage return.
 */
export interface ErrorCase {
  readonly name: string;
  readonly flags: readonly string[];
  readonly dockerfile: string;
  readonly laminate: string;
  readonly docker: string;
}

const PLACE = path.join(import.meta.dirname, "../../test/golden/errors");

/** The files of cases, by what they are about. */
export function errorSubjects(): string[] {
  return readdirSync(PLACE).flatMap((file) => (file.endsWith(".txt") ? [file.slice(0, -4)] : [])).sort();
}

/** Reads the cases of a file. */
export function readErrorCases(subject: string): ErrorCase[] {
  const [, ...blocks] = readFileSync(fileOf(subject), "utf8").split(/^=== /m);
  return blocks.map((block) => {
    const [before = "", laminate = "", docker = ""] = block.split(/^--- (?:laminate|docker)\n/m);
    const [, name, flags = "", dockerfile] = /^(.*)\n(?:\$ (.*)\n)?([^]*)$/.exec(before)!;
    return { name: name!, flags: flags.split(" ").filter(Boolean), dockerfile: dockerfile!.replaceAll("␍", "\r"), laminate, docker };
  });
}

/** Writes a file of cases anew. */
export function writeErrorCases(subject: string, cases: readonly ErrorCase[]): void {
  const blocks = cases.map(({ name, flags, dockerfile, laminate, docker }) =>
    [
      `=== ${name}\n`,
      flags.length === 0 ? "" : `$ ${flags.join(" ")}\n`,
      dockerfile.replaceAll("\r", "␍"),
      `--- laminate\n${laminate}`,
      docker === "" ? "" : `--- docker\n${docker}`,
    ].join(""),
  );
  writeFileSync(fileOf(subject), blocks.join(""));
}

function fileOf(subject: string): string {
  return path.join(PLACE, `${subject}.txt`);
}
