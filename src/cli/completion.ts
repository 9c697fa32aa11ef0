import type { Flag } from "./command.ts";
import { COMMANDS, loadCommand } from "./commands.ts";
import { flagName } from "./flags.ts";
import { GLOBAL_FLAGS } from "./help.ts";

/** A command as completion sees it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly (Flag & { readonly name: string })[];
  readonly arguments: "images" | "containers" | "files" | "none";
}

const IMAGE_COMMANDS = new Set(["run", "create", "push", "history", "inspect", "tag", "rmi", "save", "pull"]);
const CONTAINER_COMMANDS = new Set(["exec", "start", "attach", "restart", "wait", "pause", "unpause", "top", "rename", "port", "logs", "stop", "kill", "rm", "cp", "export"]);
const FILE_COMMANDS = new Set(["build", "load", "import"]);

/** Every command with its flags. */
export async function describeCommands(): Promise<readonly CompletedCommand[]> {
  return Promise.all(
    Object.entries(COMMANDS).map(async ([name, { summary }]) => {
      const { flags } = await loadCommand(name);
      const all = Object.entries({ ...GLOBAL_FLAGS, ...flags } as Readonly<Record<string, Flag>>);
      return { name, summary, flags: all.map(([key, flag]) => ({ ...flag, name: flagName(key) })), arguments: argumentsOf(name) };
    }),
  );
}

function argumentsOf(name: string): CompletedCommand["arguments"] {
  if (IMAGE_COMMANDS.has(name)) return "images";
  if (CONTAINER_COMMANDS.has(name)) return "containers";
  return FILE_COMMANDS.has(name) ? "files" : "none";
}

const LIST_IMAGES = "laminate images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null";
const LIST_CONTAINERS = "laminate ps -a --format '{{.Names}}' 2>/dev/null";

/** Writers of completion scripts, by shell. */
export const COMPLETIONS = { bash, zsh, fish } as const;

function flagWords(command: CompletedCommand): string[] {
  return command.flags.flatMap((flag) => [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])]);
}

/** Flags whose value is the next word. */
function valueWords(command: CompletedCommand): string[] {
  const taking = command.flags.filter((flag) => flag.kind !== "boolean" && flag.kind !== "optional");
  return taking.flatMap((flag) => [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])]);
}

/** Commands of two words by their first: `system` with `prune` and `df`. */
function nouns(commands: readonly CompletedCommand[]): readonly { readonly noun: string; readonly verbs: readonly string[] }[] {
  const pairs = commands.map(({ name }) => name.split(" ")).filter((words) => words.length === 2);
  return [...new Set(pairs.map(([noun]) => noun!))].map((noun) => ({ noun, verbs: pairs.filter((pair) => pair[0] === noun).map((pair) => pair[1]!) }));
}

function firstWords(commands: readonly CompletedCommand[]): readonly string[] {
  return [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
}

/** First words with what they are for. */
function summaries(commands: readonly CompletedCommand[]): readonly (readonly [string, string])[] {
  const single = commands.flatMap(({ name, summary }) => (name.includes(" ") ? [] : [[name, summary] as const]));
  return [...single, ...nouns(commands).map(({ noun, verbs }) => [noun, verbs.join(", ")] as const)];
}

function bash(commands: readonly CompletedCommand[]): string {
  const arms = commands.map(
    (command) => `    '${command.name}') flags='${flagWords(command).join(" ")}' values=' ${valueWords(command).join(" ")} ' kind=${command.arguments} ;;`,
  );
  return `# bash completion for laminate; load with: source <(laminate completion bash)
_laminate() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' word flags values kind i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in --root) ((i++)) ;; -*) ;; *) command=\${command:+$command }$word; case $command in ${nouns(commands).map(({ noun }) => noun).join("|")}) ;; *) break ;; esac ;; esac
  done
  case $command in
    '') COMPREPLY=($(compgen -W '${firstWords(commands).join(" ")} help --help --version --root --debug' -- "$current")); return ;;
    help) COMPREPLY=($(compgen -W '${firstWords(commands).join(" ")}' -- "$current")); return ;;
${nouns(commands).map(({ noun, verbs }) => `    ${noun}) COMPREPLY=($(compgen -W '${verbs.join(" ")}' -- "$current")); return ;;`).join("\n")}
${arms.join("\n")}
    *) return ;;
  esac
  if [[ $values == *" $previous "* ]]; then COMPREPLY=($(compgen -f -- "$current")); return; fi
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current")); return; fi
  case $kind in
    images) COMPREPLY=($(compgen -W "$(${LIST_IMAGES})" -- "$current"))
      type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$current" ;;
    containers) COMPREPLY=($(compgen -W "$(${LIST_CONTAINERS})" -- "$current")) ;;
    files) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _laminate laminate
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const arms = commands.filter(({ name }) => !name.includes(" ")).map((command) => {
    const specs = command.flags.map((flag) => `      ${zshFlag(flag)}`);
    const rest = { images: "'*:image:_laminate_images'", containers: "'*:container:_laminate_containers'", files: "'*:file:_files'", none: "'*::'" }[command.arguments];
    return `    ${command.name}) _arguments -s \\\n${[...specs, `      ${rest}`].join(" \\\n")} ;;`;
  });
  const nounArms = nouns(commands).map(({ noun, verbs }) => `    ${noun}) _arguments '1:command:(${verbs.join(" ")})' ;;`);
  return `#compdef laminate
# zsh completion for laminate; write it to a file _laminate in $fpath
_laminate_images() { local -a names; names=(\${(f)"$(${LIST_IMAGES})"}); compadd -a names }
_laminate_containers() { local -a names; names=(\${(f)"$(${LIST_CONTAINERS})"}); compadd -a names }
_laminate() {
  local -a commands; local line state
  commands=(
${summaries(commands).map(([name, summary]) => `    ${quote(`${name}:${summary}`)}`).join("\n")}
  )
  _arguments -C '--root[where things are kept]:directory:_directories' '--debug[show where an error came from]' '--help[help]' '--version[version]' '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands; return ;;
  esac
  case $line[1] in
${[...arms, ...nounArms].join("\n")}
  esac
}
compdef _laminate laminate
`;
}

function zshFlag(flag: Flag & { readonly name: string }): string {
  const summary = flag.summary.replaceAll(/[[\]:]/g, " ");
  const many = flag.kind === "list" ? "*" : "";
  const value = flag.kind === "boolean" ? "" : flag.kind === "optional" ? "::value:" : ":value:_files";
  const long = quote(`${many}--${flag.name}${flag.kind === "optional" ? "=-" : ""}[${summary}]${value}`);
  return flag.short === undefined ? long : `${long} ${quote(`${many}-${flag.short}[${summary}]${value}`)}`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const names = firstWords(commands).join(" ");
  const offers = [
    ...summaries(commands).map(([name, summary]) => `complete -c laminate -f -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d ${quote(summary)}`),
    ...nouns(commands).map(({ noun, verbs }) => `complete -c laminate -f -n '__fish_seen_subcommand_from ${noun}' -a ${fishQuote(verbs.join(" "))}`),
  ];
  const lines = commands.flatMap((command) => {
    const when = `-n '${command.name.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ")}'`;
    const list = { images: `(${LIST_IMAGES})`, containers: `(${LIST_CONTAINERS})`, files: "", none: "" }[command.arguments];
    return [
      ...command.flags.map((flag) => `complete -c laminate ${when} ${fishFlag(flag)}`),
      ...(command.arguments === "files" ? [`complete -c laminate ${when} -F`] : list === "" ? [] : [`complete -c laminate -f ${when} -a ${fishQuote(list)}`]),
    ];
  });
  return `# fish completion for laminate; load with: laminate completion fish | source\n${[...offers, ...lines].join("\n")}\n`;
}

function fishFlag(flag: Flag & { readonly name: string }): string {
  const short = flag.short === undefined ? "" : `-s ${flag.short} `;
  const value = flag.kind === "boolean" || flag.kind === "optional" ? "" : "-r ";
  return `${short}-l ${flag.name} ${value}-d ${fishQuote(flag.summary)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
