import { nearestHint } from "../../base/nearest.ts";
import type { Healthcheck } from "../../oci/image-config.ts";
import { parseDuration } from "./duration.ts";
import { readFlags } from "./flags.ts";
import { readJsonForm } from "./json-form.ts";
import { errorAt, type Flag, type Statement, type Word } from "./statement.ts";

const MILLISECOND = 1e6;

/** HEALTHCHECK NONE, or HEALTHCHECK [flags] CMD command. */
export function parseHealthcheck(statement: Statement): Healthcheck {
  const flags = readFlags(statement);
  const [, type = "", gap = "", rest = ""] = /^(\S*)(\s*)([^]*)$/.exec(statement.rest.text)!;
  const word = { text: type, offset: statement.rest.offset };
  const after = { text: rest, offset: word.offset + type.length + gap.length };
  switch (type.toUpperCase()) {
    case "NONE":
      // Flags before it mean nothing, as in Docker.
      if (rest !== "") {
        throw errorAt(statement, after, "bad-argument", "HEALTHCHECK NONE takes no arguments");
      }
      return { Test: ["NONE"] };
    case "CMD":
      return {
        Test: test(statement, word, after),
        ...times(statement, flags),
        ...retries(statement, flags.get("retries")),
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

function times(statement: Statement, flags: ReadonlyMap<string, Flag>): Healthcheck {
  const read = (name: string): number | undefined => {
    const flag = flags.get(name);
    if (flag === undefined || flag.value === "") {
      return undefined;
    }
    const value = parseDuration(flag.value!);
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
      throw errorAt(statement, flag, "bad-argument", `--${name} cannot be less than 1ms`);
    }
    return value === 0 ? undefined : value;
  };
  const [Interval, Timeout, StartPeriod, StartInterval] = [
    read("interval"),
    read("timeout"),
    read("start-period"),
    read("start-interval"),
  ];
  return {
    ...(Interval === undefined ? {} : { Interval }),
    ...(Timeout === undefined ? {} : { Timeout }),
    ...(StartPeriod === undefined ? {} : { StartPeriod }),
    ...(StartInterval === undefined ? {} : { StartInterval }),
  };
}

function retries(statement: Statement, flag: Flag | undefined): Healthcheck {
  if (flag === undefined || flag.value === "") {
    return {};
  }
  if (!/^\+?\d{1,9}$/.test(flag.value!)) {
    throw errorAt(
      statement,
      flag,
      "bad-argument",
      `--retries needs a whole number that is not negative, not ${JSON.stringify(flag.value)}`,
    );
  }
  const Retries = Number(flag.value);
  return Retries === 0 ? {} : { Retries };
}
