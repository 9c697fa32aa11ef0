import { nearestHint } from "../../base/nearest.ts";
import { readFlags, readSwitch, repeatedFlags } from "./flags.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { parseHereDocMark } from "./here-doc.ts";
import type {
  ArgInstruction,
  CommandLine,
  CopyInstruction,
  FromInstruction,
  Instruction,
  ListInstruction,
  OnbuildInstruction,
  PairsInstruction,
  RunInstruction,
  TextInstruction,
} from "./instruction.ts";
import { readJsonForm, readJsonWords } from "./json-form.ts";
import { parseMounts } from "./mount.ts";
import { needsArgument, unknownInstruction } from "./refusals.ts";
import { errorAt, type Flag, type Statement, type Word } from "./statement.ts";
import { parseJsonForm, splitAtSpaces, splitPair, splitQuoted } from "./words.ts";

type Parse = (statement: Statement) => Instruction;

const PARSERS: Readonly<Record<string, Parse>> = {
  FROM: parseFrom,
  ARG: parseArg,
  RUN: parseRun,
  COPY: parseCopy,
  ADD: parseCopy,
  ENV: parsePairs,
  LABEL: parsePairs,
  WORKDIR: (statement) => ({ kind: "WORKDIR", statement, value: onlyText(statement) }),
  USER: parseText,
  STOPSIGNAL: parseText,
  MAINTAINER: parseText,
  EXPOSE: parseList,
  VOLUME: parseList,
  CMD: parseCommand,
  ENTRYPOINT: parseCommand,
  SHELL: parseShell,
  HEALTHCHECK: (statement) => ({
    kind: "HEALTHCHECK",
    statement,
    healthcheck: parseHealthcheck(statement),
  }),
  ONBUILD: parseOnbuild,
};

/** All that there are. */
export const INSTRUCTION_NAMES: readonly string[] = Object.keys(PARSERS);

/** Gives a statement its meaning, or throws the error that says what is wrong with it. */
export function parseInstruction(statement: Statement): Instruction {
  const parse = Object.hasOwn(PARSERS, statement.keyword) ? PARSERS[statement.keyword] : undefined;
  if (parse === undefined) {
    throw unknownInstruction(statement, undefined, INSTRUCTION_NAMES);
  }
  return parse(statement);
}

/** Whether a statement's line may have here-documents after it. */
export function takesHereDocs(statement: Pick<Statement, "keyword" | "rest">): boolean {
  const keyword =
    statement.keyword === "ONBUILD"
      ? (/^\S*/.exec(statement.rest.text)![0] ?? "").toUpperCase()
      : statement.keyword;
  const rest =
    statement.keyword === "ONBUILD"
      ? statement.rest.text.slice(keyword.length).trimStart()
      : statement.rest.text;
  return (keyword === "RUN" || keyword === "COPY" || keyword === "ADD") && !Array.isArray(parseJsonForm(rest));
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

function parseFrom(statement: Statement): FromInstruction {
  const words = splitAtSpaces(statement.rest);
  const base = words[0];
  const as = words[1];
  const name = words[2];
  const more = words[3];
  if (base === undefined) {
    throw errorAt(statement, undefined, "bad-argument", "FROM needs the name of an image or stage", {
      hint: "as in FROM debian:bookworm AS build",
    });
  }
  if (as !== undefined && as.text.toUpperCase() !== "AS") {
    throw errorAt(
      statement,
      as,
      "syntax",
      `expected AS after ${JSON.stringify(base.text)}, found ${JSON.stringify(as.text)}`,
      { hint: hintForAs(base, as) },
    );
  }
  if (more !== undefined || (as !== undefined && name === undefined)) {
    throw errorAt(
      statement,
      more ?? as,
      "syntax",
      more !== undefined
        ? `unexpected ${JSON.stringify(more.text)} after the stage's name`
        : "AS needs a name for the stage",
      { hint: more !== undefined ? "FROM image [AS name]" : `as in FROM ${base.text} AS build` },
    );
  }
  if (name !== undefined && !STAGE_NAME.test(name.text.toLowerCase())) {
    throw errorAt(
      statement,
      name,
      "bad-argument",
      `${JSON.stringify(name.text)} is not a name for a stage`,
      { hint: 'it starts with a letter and holds letters, digits, "-", "_" and "."' },
    );
  }
  return {
    kind: "FROM",
    statement,
    base,
    name: name?.text.toLowerCase(),
    platform: readFlags(statement).get("platform"),
  };
}

/** What may have been meant by a word that stands where AS would. */
function hintForAs(base: Word, found: Word): string {
  if (found.text.startsWith("--")) return `flags stand before the image: FROM ${found.text} ${base.text}`;
  return /\$\{[^}]*$/.test(base.text)
    ? "a substitution in FROM cannot hold a space"
    : "FROM image [AS name]";
}

function parseArg(statement: Statement): ArgInstruction {
  readFlags(statement);
  const args = splitQuoted(someWords(statement), statement.escape).map((word) => {
    const { key, value } = splitPair(word);
    if (key.text === "") {
      throw errorAt(statement, word, "bad-argument", `ARG needs a name before "="`);
    }
    return { name: key.text, value };
  });
  return { kind: "ARG", statement, args };
}

function parseRun(statement: Statement): RunInstruction {
  const flags = readFlags(statement);
  const network = flags.get("network");
  const security = flags.get("security");
  checkChoice(statement, network, ["default", "none", "host"]);
  checkChoice(statement, security, ["sandbox", "insecure"]);
  const device = flags.get("device");
  if (device !== undefined) {
    throw errorAt(
      statement,
      device,
      "unsupported",
      "RUN --device is not supported: there are no CDI devices here",
    );
  }
  const command = commandLine(statement);
  if (command.form === "exec" && command.argv.length === 0) {
    throw needsArgument(statement);
  }
  return {
    kind: "RUN",
    statement,
    command,
    network,
    security,
    mounts: parseMounts(statement),
  };
}

function checkChoice(statement: Statement, flag: Flag | undefined, choices: readonly string[]) {
  if (flag !== undefined && !choices.includes(flag.value!)) {
    throw errorAt(
      statement,
      flag,
      "bad-argument",
      `RUN --${flag.name} is ${choices.join(" or ")}, not ${JSON.stringify(flag.value)}`,
      nearestHint(flag.value!, choices),
    );
  }
}

const NONE: readonly [] = [];
const SWITCHES = ["link", "parents", "keep-git-dir"] as const;

function parseCopy(statement: Statement): CopyInstruction {
  const flags = readFlags(statement);
  const words = listOfPaths(statement);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    throw errorAt(
      statement,
      destination,
      "bad-argument",
      destination === undefined
        ? `${statement.keyword} needs a source and a destination`
        : `${statement.keyword} needs a destination after ${JSON.stringify(destination.text)}`,
      { hint: `as in ${statement.keyword} ${destination?.text ?? "app"} /srv/` },
    );
  }
  if (parseHereDocMark(destination.text) !== undefined) {
    throw errorAt(
      statement,
      destination,
      "bad-argument",
      `${statement.keyword} cannot have a here-document as its destination`,
      { hint: `as in ${statement.keyword} ${destination.text} /file` },
    );
  }
  const { sources, hereDocs } = sortSources(statement, words.slice(0, -1));
  return {
    kind: statement.keyword as "COPY" | "ADD",
    statement,
    sources,
    hereDocs,
    destination,
    from: flags.get("from"),
    chown: flags.get("chown"),
    chmod: flags.get("chmod"),
    checksum: flags.get("checksum"),
    exclude: repeatedFlags(statement, "exclude"),
    switches: flags.size === 0 ? NONE : SWITCHES.filter((name) => readSwitch(statement, flags.get(name))),
    unpack: flags.has("unpack") ? readSwitch(statement, flags.get("unpack")) : undefined,
  };
}

/** Words that are files apart from those that are here-documents. */
function sortSources(
  statement: Statement,
  words: readonly Word[],
): Pick<CopyInstruction, "sources" | "hereDocs"> {
  if (statement.hereDocs.length === 0) {
    return { sources: words, hereDocs: statement.hereDocs };
  }
  const byName = new Map(statement.hereDocs.map((hereDoc) => [hereDoc.name, hereDoc]));
  const found = words.map((word) => {
    const mark = parseHereDocMark(word.text);
    return mark === undefined ? undefined : byName.get(mark.name);
  });
  return {
    sources: words.filter((_, place) => found[place] === undefined),
    hereDocs: found.filter((hereDoc) => hereDoc !== undefined),
  };
}

function parsePairs(statement: Statement): PairsInstruction {
  readFlags(statement);
  const kind = statement.keyword as "ENV" | "LABEL";
  const words = splitQuoted(someWords(statement), statement.escape);
  if (!words[0]!.text.includes("=")) {
    return { kind, statement, pairs: [oldPair(statement)] };
  }
  const pairs = words.map((word) => {
    const { key, value } = splitPair(word);
    if (value === undefined) {
      throw errorAt(
        statement,
        word,
        "syntax",
        `expected name=value, found ${JSON.stringify(word.text)}`,
        { hint: "put quotes around a value with spaces" },
      );
    }
    if (key.text === "") {
      throw errorAt(statement, word, "bad-argument", `${kind} needs a name before "="`);
    }
    return { key, value };
  });
  return { kind, statement, pairs };
}

/** `ENV name the rest is the value`. */
function oldPair(statement: Statement): { key: Word; value: Word } {
  const { text, offset } = statement.rest;
  const match = /^(\S+)\s+(\S.*)$/s.exec(text);
  if (match === null) {
    throw errorAt(
      statement,
      statement.rest,
      "syntax",
      `${statement.keyword} needs a name and a value: ${text}=value`,
    );
  }
  return {
    key: { text: match[1]!, offset },
    value: { text: match[2]!, offset: offset + text.length - match[2]!.length },
  };
}

function parseText(statement: Statement): TextInstruction {
  const kind = statement.keyword as TextInstruction["kind"];
  return { kind, statement, value: onlyText(statement) };
}

function onlyText(statement: Statement): Word {
  readFlags(statement);
  return someWords(statement);
}

function parseList(statement: Statement): ListInstruction {
  readFlags(statement);
  someWords(statement);
  const kind = statement.keyword as "EXPOSE" | "VOLUME";
  const values = kind === "EXPOSE" ? splitAtSpaces(statement.rest) : listOfPaths(statement);
  if (values.length === 0) {
    throw needsArgument(statement);
  }
  return { kind, statement, values };
}

function parseCommand(statement: Statement): Instruction {
  readFlags(statement);
  return {
    kind: statement.keyword as "CMD" | "ENTRYPOINT",
    statement,
    command: commandLine(statement),
  };
}

function parseShell(statement: Statement): Instruction {
  readFlags(statement);
  const command = commandLine(statement);
  if (command.form === "shell" || command.argv.length === 0) {
    const problem = `SHELL needs ${command.form === "shell" ? "the JSON form" : "a program in its list"}`;
    throw errorAt(statement, statement.rest, "bad-argument", problem, {
      hint: 'as in SHELL ["/bin/bash", "-c"]',
    });
  }
  return { kind: "SHELL", statement, argv: command.argv };
}

function parseOnbuild(statement: Statement): OnbuildInstruction {
  if (statement.flags.length > 0) {
    readFlags(statement);
  }
  const word = splitAtSpaces(someWords(statement))[0]!;
  const keyword = word.text.toUpperCase();
  if (keyword === "ONBUILD" || keyword === "FROM" || keyword === "MAINTAINER") {
    throw errorAt(statement, word, "bad-argument", `${keyword} is not allowed after ONBUILD`);
  }
  if (!Object.hasOwn(PARSERS, keyword)) {
    throw unknownInstruction(statement, word, INSTRUCTION_NAMES);
  }
  const documents = statement.hereDocs.map((hereDoc) => `\n${hereDoc.content}${hereDoc.name}`);
  return { kind: "ONBUILD", statement, trigger: statement.rest.text + documents.join("") };
}

/** The rest of a statement, that must not be empty. */
function someWords(statement: Statement): Word {
  if (statement.rest.text === "") {
    throw needsArgument(statement);
  }
  return statement.rest;
}

/** Nothing at all is an empty command of the shell, as in Docker. */
function commandLine(statement: Statement): CommandLine {
  const { text } = statement.rest;
  const argv = readJsonForm(statement, statement.rest);
  return argv === undefined ? { form: "shell", text } : { form: "exec", argv };
}

function listOfPaths(statement: Statement): readonly Word[] {
  return readJsonWords(statement, statement.rest) ?? splitAtSpaces(statement.rest);
}
