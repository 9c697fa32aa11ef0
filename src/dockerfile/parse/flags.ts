import { nearest } from "../../base/nearest.ts";
import { errorAt, type Flag, type Statement } from "./statement.ts";

/** The flags that an instruction has in Laminate, and those that only Docker has yet. */
const FLAGS: Readonly<
  Record<string, { readonly known: readonly string[]; readonly later?: readonly string[] }>
> = {
  FROM: { known: ["platform"] },
  RUN: { known: ["network"], later: ["mount", "security", "device"] },
  COPY: { known: ["from", "chown", "chmod"], later: ["link", "parents", "exclude"] },
  ADD: {
    known: ["chown", "chmod", "checksum"],
    later: ["link", "exclude", "keep-git-dir", "unpack"],
  },
  HEALTHCHECK: { known: ["interval", "timeout", "start-period", "start-interval", "retries"] },
};
/** Asking for what is done anyway changes nothing. */
const HARMLESS = new Set(["link=false", "parents=false", "keep-git-dir=false", "security=sandbox"]);

/** A statement's flags by name. Unknown, repeated, empty ones and those that are not there yet are refused. */
export function readFlags(statement: Statement): ReadonlyMap<string, Flag> {
  const { known, later = [] } = FLAGS[statement.keyword] ?? { known: [] };
  const flags = new Map<string, Flag>();
  for (const flag of statement.flags) {
    if (later.includes(flag.name)) {
      refuseLater(statement, flag);
      continue;
    }
    if (!known.includes(flag.name)) {
      throw unknownFlag(statement, flag, [...known, ...later]);
    }
    if (flags.has(flag.name)) {
      throw errorAt(statement, flag, "bad-argument", `--${flag.name} is given twice`);
    }
    if (flag.value === undefined) {
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

function refuseLater(statement: Statement, flag: Flag): void {
  if (!HARMLESS.has(`${flag.name}=${flag.value}`)) {
    throw errorAt(
      statement,
      flag,
      "unsupported",
      `${statement.keyword} --${flag.name} is not supported yet`,
    );
  }
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
