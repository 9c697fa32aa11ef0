import { nearest, nearestHint } from "../../base/nearest.ts";
import { errorAt, rangeOf, type Flag, type Statement } from "./statement.ts";

/** The flags that an instruction has; `many` may be given more than once, a `switches` one stands alone or has true or false. */
const FLAGS: Readonly<
  Record<
    string,
    {
      readonly known: readonly string[];
      readonly many?: readonly string[];
      readonly switches?: readonly string[];
    }
  >
> = {
  FROM: { known: ["platform"] },
  RUN: { known: ["network", "security"], many: ["mount", "device"] },
  COPY: { known: ["from", "chown", "chmod"], many: ["exclude"], switches: ["link", "parents"] },
  ADD: {
    known: ["chown", "chmod", "checksum"],
    many: ["exclude"],
    switches: ["link", "keep-git-dir", "unpack"],
  },
  HEALTHCHECK: { known: ["interval", "timeout", "start-period", "start-interval", "retries"] },
};

const NO_FLAGS: ReadonlyMap<string, Flag> = new Map();

/** A statement's flags by name; of those that may be repeated only that they are there. Unknown, repeated and empty ones are refused. */
export function readFlags(statement: Statement): ReadonlyMap<string, Flag> {
  if (statement.flags.length === 0) {
    return NO_FLAGS;
  }
  const { many = [], switches = [] } = FLAGS[statement.keyword] ?? {};
  const flags = new Map<string, Flag>();
  for (const flag of statement.flags) {
    if (!flagsOf(statement.keyword).includes(flag.name)) {
      throw unknownFlag(statement, flag, flagsOf(statement.keyword));
    }
    const first = flags.get(flag.name);
    if (first !== undefined && !many.includes(flag.name)) {
      const related = { range: rangeOf(statement, first), message: "it is given here first" };
      throw errorAt(statement, flag, "bad-argument", `--${flag.name} is given twice`, { related });
    }
    if (flag.value === undefined && !switches.includes(flag.name)) {
      throw errorAt(
        statement,
        flag,
        "bad-argument",
        `--${flag.name} needs a value: --${flag.name}=…`,
        hintForValue(statement, flag),
      );
    }
    flags.set(flag.name, flag);
  }
  return flags;
}

/** The flags of a name that may be given more than once, in their order. */
export function repeatedFlags(statement: Statement, name: string): readonly Flag[] {
  const { flags } = statement;
  return flags.length === 0 ? flags : flags.filter((flag) => flag.name === name);
}

/** Whether a flag without a value is there and not `=false`. */
export function readSwitch(statement: Statement, flag: Flag | undefined): boolean {
  const value = flag === undefined ? "false" : (flag.value ?? "true").toLowerCase();
  if (value !== "true" && value !== "false") {
    throw errorAt(
      statement,
      flag,
      "bad-argument",
      `--${flag!.name} is true or false, not ${JSON.stringify(flag!.value)}`,
      nearestHint(value, ["true", "false"]),
    );
  }
  return value === "true";
}

/** A space stands where "=" was meant. */
function hintForValue({ rest, line }: Statement, flag: Flag): { readonly hint?: string } {
  const between = line.text.slice(flag.offset + flag.length, rest.offset).trim();
  const next = /^\S+/.exec(rest.text)?.[0];
  return between !== "" || next === undefined
    ? {}
    : { hint: `did you mean --${flag.name}=${next}?` };
}

function unknownFlag(statement: Statement, flag: Flag, candidates: readonly string[]): Error {
  const problem = `unknown flag --${flag.name} of ${statement.keyword}`;
  return errorAt(statement, flag, "unknown-flag", problem, {
    hint: hintForUnknown(statement.keyword, flag.name, candidates),
  });
}

function hintForUnknown(keyword: string, name: string, candidates: readonly string[]): string {
  const near = nearest(name, candidates);
  if (near !== undefined) return `did you mean --${near}?`;
  const own =
    candidates.length === 0 ? `${keyword} has no flags` : `${keyword} has --${candidates.join(", --")}`;
  const owner = Object.keys(FLAGS).find((other) => flagsOf(other).includes(name));
  return owner === undefined ? own : `${own}; --${name} is of ${owner}`;
}

/** The flags that an instruction has. */
export function flagsOf(keyword: string): readonly string[] {
  return ALL_FLAGS[keyword] ?? [];
}

const ALL_FLAGS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(FLAGS).map(([keyword, { known, many = [], switches = [] }]) => [
    keyword,
    [...known, ...many, ...switches],
  ]),
);
