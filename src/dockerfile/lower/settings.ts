import { constants } from "node:os";
import path from "node:path/posix";
import { nearest } from "../../base/nearest.ts";
import type { Healthcheck } from "../../oci/image-config.ts";
import { formatDuration } from "../parse/duration.ts";
import type {
  CommandInstruction,
  CommandLine,
  HealthcheckInstruction,
  ListInstruction,
  PairsInstruction,
  ShellInstruction,
  TextInstruction,
} from "../parse/instruction.ts";
import { errorAt } from "../parse/statement.ts";
import { formatList, formatQuotedList, quote, quoteRune } from "./go-format.ts";
import { exposedPorts } from "./ports.ts";
import type { StageState } from "./stage-state.ts";

/** Instructions that change only what the image says, and make no layer. */
export type Setting =
  | PairsInstruction
  | ListInstruction
  | CommandInstruction
  | ShellInstruction
  | HealthcheckInstruction
  | TextInstruction;

const DEFAULT_SHELL = ["/bin/sh", "-c"];

/** Applies a setting to the stage's config and writes its line of history. */
export function applySetting(setting: Setting, state: StageState): void {
  switch (setting.kind) {
    case "ENV":
    case "LABEL":
      return applyPairs(setting, state);
    case "EXPOSE":
      return applyExpose(setting, state);
    case "VOLUME":
      return applyVolume(setting, state);
    case "CMD":
    case "ENTRYPOINT":
      return applyCommand(setting, state);
    case "SHELL":
      state.config = { ...state.config, Shell: setting.argv };
      return state.record(`SHELL ${formatList(setting.argv)}`);
    case "HEALTHCHECK":
      state.config = { ...state.config, Healthcheck: setting.healthcheck };
      return state.record(`HEALTHCHECK ${formatHealthcheck(setting.healthcheck)}`);
    default:
      return applyText(setting, state);
  }
}

/** A command's arguments, the shell form wrapped in the stage's shell. */
export function argvOf(command: CommandLine, state: StageState): readonly string[] {
  return command.form === "exec" ? command.argv : inShell(command.text, state);
}

/** A text as the shell of the stage runs it. */
export function inShell(text: string, state: StageState): readonly string[] {
  const { Shell } = state.config;
  return [...(Shell !== undefined && Shell.length > 0 ? Shell : DEFAULT_SHELL), text];
}

/** The working directory after a `WORKDIR where`: an absolute one stays as it is written, dots and all (BuildKit's NormalizeWorkdir). */
export function joinWorkdir(current: string | undefined, where: string): string {
  return where.startsWith("/") ? where : path.resolve("/", current ?? "/", where);
}

function applyPairs(setting: PairsInstruction, state: StageState): void {
  const { statement } = setting;
  // All values see the variables as they were before the instruction.
  const pairs = setting.pairs.map(({ key, value }) => ({
    at: key,
    key: state.expand(statement, key),
    value: state.expand(statement, value),
  }));
  for (const { at, key, value } of pairs) {
    if (key === "") {
      throw errorAt(statement, at, "bad-argument", `${setting.kind} has an empty name`);
    }
    if (setting.kind === "ENV") {
      state.setEnv(key, value);
    }
  }
  if (setting.kind === "LABEL") {
    const labels = Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
    state.config = { ...state.config, Labels: { ...state.config.Labels, ...labels } };
  }
  state.record(`${setting.kind} ${pairs.map(({ key, value }) => `${key}=${value}`).join(" ")}`);
}

function applyExpose(setting: ListInstruction, state: StageState): void {
  const { statement } = setting;
  // Sorted as they are written, before variables are replaced, as BuildKit's history shows them.
  const values = setting.values.toSorted((a, b) => (a.text < b.text ? -1 : 1));
  const ports = values.flatMap((word) =>
    state.expandToWords(statement, word).flatMap((spec) => exposedPorts(statement, word, spec)),
  );
  state.config = {
    ...state.config,
    ExposedPorts: { ...state.config.ExposedPorts, ...asSet(ports) },
  };
  state.record(`EXPOSE ${formatList(ports)}`);
}

function applyVolume(setting: ListInstruction, state: StageState): void {
  const volumes = setting.values.map((word) => {
    const volume = state.expand(setting.statement, word);
    if (volume === "") {
      throw errorAt(setting.statement, word, "bad-argument", "VOLUME cannot be an empty path");
    }
    return volume;
  });
  state.config = { ...state.config, Volumes: { ...state.config.Volumes, ...asSet(volumes) } };
  state.record(`VOLUME ${formatList(volumes)}`);
}

function applyCommand(setting: CommandInstruction, state: StageState): void {
  const argv = argvOf(setting.command, state);
  if (setting.kind === "CMD") {
    state.hasCommand = true;
    state.config = { ...state.config, Cmd: argv, ArgsEscaped: true };
  } else {
    // The base's CMD was meant for the base's entry point.
    const { Cmd, ...rest } = state.config;
    const kept = state.hasCommand && Cmd !== undefined ? { ...rest, Cmd } : rest;
    state.config = { ...kept, Entrypoint: argv.length === 0 ? null : argv };
  }
  state.record(`${setting.kind} ${formatQuotedList(argv)}`);
}

function applyText(setting: TextInstruction, state: StageState): void {
  const { statement, value } = setting;
  const text = setting.kind === "MAINTAINER" ? value.text : state.expand(statement, value);
  switch (setting.kind) {
    case "USER":
      state.config = { ...state.config, User: text };
      break;
    case "STOPSIGNAL":
      if (!isSignal(text)) {
        const near = nearest(text, Object.keys(constants.signals));
        throw errorAt(
          statement,
          value,
          "bad-argument",
          `${JSON.stringify(text)} is not a signal`,
          { hint: near === undefined ? "as in SIGTERM or 15" : `did you mean ${near}?` },
        );
      }
      state.config = { ...state.config, StopSignal: text };
      break;
    default:
      state.author = text;
  }
  state.record(`${setting.kind} ${text}`);
}

/** moby/sys/signal, ParseSignal: any number but 0, or a name. */
function isSignal(text: string): boolean {
  const name = text.toUpperCase().replace(/^SIG/, "");
  return (
    (/^[+-]?\d+$/.test(text) && Number(text) !== 0) ||
    `SIG${name}` in constants.signals || /^RTM(?:IN(?:\+\d+)?|AX(?:-\d+)?)$/.test(name)
  );
}

/** Go's `%q` of the pointer to its struct, which is how BuildKit writes it: the number of retries as a character. */
function formatHealthcheck(check: Healthcheck): string {
  const times = (["Interval", "Timeout", "StartPeriod", "StartInterval"] as const).map((name) =>
    quote(formatDuration(check[name] ?? 0)),
  );
  return `&{${formatQuotedList(check.Test ?? [])} ${times.join(" ")} ${quoteRune(check.Retries ?? 0)}}`;
}

function asSet(names: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
