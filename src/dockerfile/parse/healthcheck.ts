import { nearestHint } from "../../base/nearest.ts";
import type { Healthcheck } from "../../oci/image-config.ts";
import { parseDuration } from "./duration.ts";
import { readFlags } from "./flags.ts";
import { readJsonForm } from "./json-form.ts";
import { endOfSpaces, endOfWord } from "./spaces.ts";
import { errorAt, type Flag, type Statement, type Word } from "./statement.ts";

const MILLISECOND = 1e6;

/** HEALTHCHECK NONE, or HEALTHCHECK [flags] CMD command. */
export function parseHealthcheck(statement: Statement): Healthcheck {
  const flags = readFlags(statement);
  const { text, offset } = statement.rest;
  const type = text.slice(0, endOfWord(text, 0));
  const start = endOfSpaces(text, type.length);
  const word = { text: type, offset };
  const after = { text: text.slice(start), offset: offset + start };
  switch (type.toUpperCase()) {
    case "NONE":
      // Flags before it mean nothing, as in Docker.
      if (after.text !== "") {
        throw errorAt(statement, after, "bad-argument", "HEALTHCHECK NONE takes no arguments");
      }
      return { Test: ["NONE"] };
    case "CMD":
      return {
        Test: test(statement, word, after),
        ...(flags.size === 0 ? {} : times(statement, flags)),
      };
    default:
      throw errorAt(
        statement,
        type === "" ? undefined : word,
        "bad-argument",
        `HEALTHCHECK needs CMD or NONE${type === "" ? "" : `, not ${JSON.stringify(type)}`}`,
        { hint: nearestHint(type, ["CMD", "NONE"]).hint ?? `as in HEALTHCHECK CMD ${statement.rest.text || "curl -f http://localhost/"}` },
      );
  }
}

function test(statement: Statement, keyword: Word, command: Word): string[] {
  const argv = readJsonForm(statement, command);
  if (command.text === "" || argv?.length === 0) {
    throw errorAt(statement, keyword, "bad-argument", "HEALTHCHECK CMD needs a command", {
      hint: "as in HEALTHCHECK CMD curl -f http://localhost/",
    });
  }
  return argv === undefined ? ["CMD-SHELL", command.text] : ["CMD", ...argv];
}

const MEMBERS = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

/** The flags that say something: a duration of 0, and one without a value, are as none. */
function times(statement: Statement, flags: ReadonlyMap<string, Flag>): Healthcheck {
  const found: { -readonly [Name in keyof Healthcheck]: Healthcheck[Name] } = {};
  for (const [name, flag] of flags) {
    const value = name === "retries" ? retries(statement, flag) : duration(statement, flag);
    if (value !== 0) {
      found[name === "retries" ? "Retries" : MEMBERS[name as keyof typeof MEMBERS]] = value;
    }
  }
  return found;
}

function duration(statement: Statement, flag: Flag): number {
  const value = flag.value === "" ? 0 : parseDuration(flag.value!);
  if (value === undefined) {
    throw errorAt(
      statement,
      flag,
      "bad-argument",
      `${JSON.stringify(flag.value)} is not a duration`,
      { hint: "write it as 30s, 1m30s or 500ms" },
    );
  }
  if (value !== 0 && value < MILLISECOND) {
    throw errorAt(statement, flag, "bad-argument", `--${flag.name} cannot be less than 1ms`);
  }
  return value;
}

function retries(statement: Statement, flag: Flag): number {
  if (flag.value === "") {
    return 0;
  }
  if (!/^\+?\d{1,9}$/.test(flag.value!)) {
    throw errorAt(
      statement,
      flag,
      "bad-argument",
      `--retries needs a whole number that is not negative, not ${JSON.stringify(flag.value)}`,
    );
  }
  return Number(flag.value);
}
