import type { Flag } from "./command.ts";
import { COMMANDS, loadCommand } from "./commands.ts";
import { flagName } from "./flags.ts";
import { GLOBAL_FLAGS } from "./help.ts";

/** A command as completion sees it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly (Flag & { readonly name: string })[];
  readonly operands: Operands;
}

/** What the words after a command's flags are: files, one of a few words, or names that a command line prints; with a flag others. */
type Operands =
  | { readonly kind: "files" }
  | { readonly kind: "none" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "names"; readonly list: string };

const IMAGE_COMMANDS = new Set(["run", "create", "push", "history", "layers", "diff", "tag", "rmi", "save", "pull"]);
const CONTAINER_COMMANDS = new Set(["exec", "start", "attach", "restart", "wait", "pause", "unpause", "top", "rename", "port", "logs", "stop", "kill", "rm", "cp", "export"]);
const FILE_COMMANDS = new Set(["check", "fmt", "build", "load", "import"]);

/** Every command with its flags. */
export async function describeCommands(): Promise<readonly CompletedCommand[]> {
  return Promise.all(
    Object.entries(COMMANDS).map(async ([name, { summary }]) => {
      const { flags, arguments: { choices } } = await loadCommand(name);
      const all = Object.entries({ ...GLOBAL_FLAGS, ...flags } as Readonly<Record<string, Flag>>);
      return { name, summary, flags: all.map(([key, flag]) => ({ ...flag, name: flagName(key) })), operands: choices === undefined ? operandsOf(name) : { kind: "words", words: choices } };
    }),
  );
}

const LIST_IMAGES = "laminate images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null";
const LIST_CONTAINERS = "laminate ps -a --format '{{.Names}}' 2>/dev/null";
const LIST_BUILDS = "laminate builds -q 2>/dev/null";

function operandsOf(name: string): Operands {
  if (name === "inspect") return { kind: "names", list: `${LIST_IMAGES}; ${LIST_CONTAINERS}` };
  if (name === "why" || /^builds (show|logs|diff|rm)$/.test(name)) return { kind: "names", list: LIST_BUILDS };
  if (IMAGE_COMMANDS.has(name)) return { kind: "names", list: LIST_IMAGES };
  if (CONTAINER_COMMANDS.has(name)) return { kind: "names", list: LIST_CONTAINERS };
  return FILE_COMMANDS.has(name) ? { kind: "files" } : { kind: "none" };
}

/** Writers of completion scripts, by shell. */
export const COMPLETIONS = { bash, zsh, fish } as const;

function flagWords(command: CompletedCommand): string[] {
  return command.flags.flatMap(spellings);
}

function spellings(flag: CompletedCommand["flags"][number]): string[] {
  return [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])];
}

/** Flags whose value is the next word. */
function valueWords(command: CompletedCommand): string[] {
  const taking = command.flags.filter((flag) => flag.kind !== "boolean" && flag.kind !== "optional");
  return taking.flatMap(spellings);
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
    (command) => `    '${command.name}') flags='${flagWords(command).join(" ")}' values=' ${valueWords(command).join(" ")} ' ;;`,
  );
  const choices = commands.flatMap(({ name, flags }) =>
    flags.flatMap((flag) => (flag.choices === undefined ? [] : [`    ${spellings(flag).map((word) => `'${name} ${word}'`).join(" | ")}) ${bashOffer(`'${flag.choices.join(" ")}'`)}; return ;;`])),
  );
  const operands = commands.flatMap(({ name, operands: taken }) => (taken.kind === "none" ? [] : [`    '${name}') ${bashOperands(taken)} ;;`]));
  return `# bash completion for laminate; load with: source <(laminate completion bash)
_laminate() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' word flags values i
  COMPREPLY=()
  # --flag=value is three words here
  if [[ $current == = ]]; then current=''; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
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
  case "$command $previous" in
${choices.join("\n")}
  esac
  if [[ $values == *" $previous "* ]]; then COMPREPLY=($(compgen -f -- "$current")); return; fi
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current")); return; fi
  case $command in
${operands.join("\n")}
  esac
  type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$current"
}
complete -o filenames -F _laminate laminate
`;
}

function bashOffer(words: string): string {
  return `COMPREPLY=($(compgen -W ${words} -- "$current"))`;
}

function bashOperands(operands: Operands): string {
  if (operands.kind === "words") return bashOffer(`'${operands.words.join(" ")}'`);
  if (operands.kind !== "names") return 'COMPREPLY=($(compgen -f -- "$current"))';
  return bashOffer(`"$(${operands.list})"`);
}

function zsh(commands: readonly CompletedCommand[]): string {
  const arms = commands.filter(({ name }) => !name.includes(" ")).map((command) => {
    const specs = command.flags.map((flag) => `      ${zshFlag(flag)}`);
    return `    ${command.name}) _arguments -s \\\n${[...specs, `      ${zshOperands(command)}`].join(" \\\n")} ;;`;
  });
  const nounArms = nouns(commands).map(({ noun, verbs }) => `    ${noun}) _arguments '1:command:(${verbs.join(" ")})' ;;`);
  return `#compdef laminate
# zsh completion for laminate; write it to a file _laminate in $fpath
${commands.filter(({ name }) => !name.includes(" ")).flatMap(zshFunction).join("\n")}
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
  const value = flag.kind === "boolean" ? "" : flag.kind === "optional" ? "::value:" : flag.choices === undefined ? ":value:_files" : `:value:(${flag.choices.join(" ")})`;
  const long = quote(`${many}--${flag.name}${flag.kind === "optional" ? "=-" : ""}[${summary}]${value}`);
  return flag.short === undefined ? long : `${long} ${quote(`${many}-${flag.short}[${summary}]${value}`)}`;
}

/** What gives the names that a command takes; `words` are those of the line. */
function zshFunction({ name, operands }: CompletedCommand): string[] {
  if (operands.kind !== "names") return [];
  return [`_laminate_${name}() { local -a names; names=(\${(f)"$(${operands.list})"}); compadd -a names }`];
}

function zshOperands({ name, operands }: CompletedCommand): string {
  if (operands.kind === "names") return `'*:name:_laminate_${name}'`;
  if (operands.kind === "words") return `'*:word:(${operands.words.join(" ")})'`;
  return operands.kind === "files" ? "'*:file:_files'" : "'*::'";
}

function fish(commands: readonly CompletedCommand[]): string {
  const names = firstWords(commands).join(" ");
  const offers = [
    ...summaries(commands).map(([name, summary]) => `complete -c laminate -f -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d ${quote(summary)}`),
    ...nouns(commands).map(({ noun, verbs }) => `complete -c laminate -f -n '__fish_seen_subcommand_from ${noun}' -a ${fishQuote(verbs.join(" "))}`),
  ];
  const lines = commands.flatMap((command) => {
    const when = `-n '${command.name.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ")}'`;
    return [
      ...command.flags.map((flag) => `complete -c laminate ${when} ${fishFlag(flag)}`),
      ...fishOperands(command.operands).map((operand) => `complete -c laminate ${when} ${operand}`),
    ];
  });
  return `# fish completion for laminate; load with: laminate completion fish | source\n${[...offers, ...lines].join("\n")}\n`;
}

function fishOperands(operands: Operands): readonly string[] {
  if (operands.kind === "none") return ["-f"];
  if (operands.kind === "files") return ["-F"];
  if (operands.kind === "words") return [`-f -a ${fishQuote(operands.words.join(" "))}`];
  return [`-f -a ${fishQuote(`(${operands.list})`)}`];
}

function fishFlag(flag: Flag & { readonly name: string }): string {
  const short = flag.short === undefined ? "" : `-s ${flag.short} `;
  const value = flag.kind === "boolean" || flag.kind === "optional" ? "" : flag.choices === undefined ? "-r " : `-x -a ${fishQuote(flag.choices.join(" "))} `;
  return `${short}-l ${flag.name} ${value}-d ${fishQuote(flag.summary)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
