import { nearest } from "../../base/nearest.ts";
import { errorAt, type Flag, type Statement } from "./statement.ts";

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

/** A statement's flags by name; of those that may be repeated only that they are there. Unknown, repeated and empty ones are refused. */
export function readFlags(statement: Statement): ReadonlyMap<string, Flag> {
  const { known, many = [], switches = [] } = FLAGS[statement.keyword] ?? { known: [] };
  const flags = new Map<string, Flag>();
  for (const flag of statement.flags) {
    if (![...known, ...many, ...switches].includes(flag.name)) {
      throw unknownFlag(statement, flag, [...known, ...many, ...switches]);
    }
    if (flags.has(flag.name) && !many.includes(flag.name)) {
      throw errorAt(statement, flag, "bad-argument", `--${flag.name} is given twice`);
    }
    if (flag.value === undefined && !switches.includes(flag.name)) {
      throw errorAt(
        statement,
        flag,
        "bad-argument",
        `--${flag.name} needs a value: --${flag.name}=…`,
      );
    }
    flags.set(flag.name, flag);
  }
  return flags;
}

/** The flags of a name that may be given more than once, in their order. */
export function repeatedFlags(statement: Statement, name: string): readonly Flag[] {
  return statement.flags.filter((flag) => flag.name === name);
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
    );
  }
  return value === "true";
}

function unknownFlag(statement: Statement, flag: Flag, candidates: readonly string[]): Error {
  const near = nearest(flag.name, candidates);
  const hint =
    near === undefined
      ? candidates.length === 0
        ? `${statement.keyword} has no flags`
        : `${statement.keyword} has --${candidates.join(", --")}`
      : `did you mean --${near}?`;
  return errorAt(
    statement,
    flag,
    "unknown-flag",
    `unknown flag --${flag.name} of ${statement.keyword}`,
    { hint },
  );
}
