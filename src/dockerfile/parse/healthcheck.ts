import type { Healthcheck } from "../../oci/image-config.ts";
import { parseDuration } from "./duration.ts";
import { readFlags } from "./flags.ts";
import { errorAt, type Flag, type Statement } from "./statement.ts";
import { parseJsonForm } from "./words.ts";

const MILLISECOND = 1e6;

/** HEALTHCHECK NONE, or HEALTHCHECK [flags] CMD command. */
export function parseHealthcheck(statement: Statement): Healthcheck {
  const flags = readFlags(statement);
  const [, type = "", rest = ""] = /^(\S*)\s*([^]*)$/.exec(statement.rest.text)!;
  switch (type.toUpperCase()) {
    case "NONE":
      if (rest !== "" || flags.size > 0) {
        throw errorAt(
          statement,
          statement.rest,
          "bad-argument",
          "HEALTHCHECK NONE takes no arguments",
        );
      }
      return { Test: ["NONE"] };
    case "CMD":
      return {
        Test: test(statement, rest),
        ...times(statement, flags),
        ...retries(statement, flags.get("retries")),
      };
    default:
      throw errorAt(
        statement,
        type === "" ? undefined : { text: type, offset: statement.rest.offset },
        "bad-argument",
        `HEALTHCHECK needs CMD or NONE${type === "" ? "" : `, not ${JSON.stringify(type)}`}`,
      );
  }
}

function test(statement: Statement, command: string): string[] {
  const argv = parseJsonForm(command);
  if (argv === "mixed") {
    throw errorAt(
      statement,
      statement.rest,
      "syntax",
      "the JSON form holds something that is not a string",
    );
  }
  if (command === "" || argv?.length === 0) {
    throw errorAt(statement, undefined, "bad-argument", "HEALTHCHECK CMD needs a command");
  }
  return argv === undefined ? ["CMD-SHELL", command] : ["CMD", ...argv];
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
  if (!/^\d{1,9}$/.test(flag.value!)) {
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
