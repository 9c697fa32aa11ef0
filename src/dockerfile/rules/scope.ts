import type { ContainerConfig } from "../../oci/image-config.ts";
import type { StageInstruction } from "../parse/instruction.ts";
import type { Globals } from "./globals.ts";
import { expandNoting } from "./noted-expansion.ts";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface Content {
  readonly variables: ReadonlyMap<string, string>;
  /** Those of ENV and of the base image, in the order of the image's config. */
  readonly env: ReadonlySet<string>;
  readonly declared: ReadonlySet<string>;
  readonly baseKnown: boolean;
  readonly hasShell: boolean;
  readonly hasWorkdir: boolean;
  readonly baseWorkdir: string | undefined;
}

/** What a stage's variables are after the instructions so far, and what else rules ask about. It changes while a walk goes on. */
export class Scope {
  readonly #variables: Map<string, string>;
  readonly #env: Set<string>;
  readonly #declared: Set<string>;
  readonly baseKnown: boolean;
  #hasShell: boolean;
  #hasWorkdir: boolean;
  /** The working directory that the base image brings; undefined where that is not known. */
  readonly baseWorkdir: string | undefined;

  constructor(content: Content) {
    this.#variables = new Map(content.variables);
    this.#env = new Set(content.env);
    this.#declared = new Set(content.declared);
    this.baseKnown = content.baseKnown;
    this.#hasShell = content.hasShell;
    this.#hasWorkdir = content.hasWorkdir;
    this.baseWorkdir = content.baseWorkdir;
  }

  /** Where a stage starts that is FROM this one's end. Its config's variables are set anew, after the arguments, as in BuildKit. */
  continued(): Scope {
    const args = [...this.#variables].filter(([name]) => !this.#env.has(name));
    const env = [...this.#env].map((name) => [name, this.#variables.get(name)!] as const);
    return new Scope({
      variables: new Map([...args, ...env]),
      env: this.#env,
      declared: this.#declared,
      baseKnown: this.baseKnown,
      hasShell: this.#hasShell,
      hasWorkdir: this.#hasWorkdir,
      baseWorkdir: this.baseWorkdir,
    });
  }

  /** A SHELL was chosen: shell forms are meant. */
  get hasShell(): boolean {
    return this.#hasShell;
  }

  /** A WORKDIR came before. */
  get hasWorkdir(): boolean {
    return this.#hasWorkdir;
  }

  get names(): Iterable<string> {
    return this.#variables.keys();
  }

  isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }

  readonly lookup = (name: string): string | undefined => this.#variables.get(name);

  /** Goes past an instruction. */
  apply(
    instruction: StageInstruction,
    given: Readonly<Record<string, string>>,
    globals: Globals,
  ): void {
    const { escape } = instruction.statement;
    if (instruction.kind === "ENV") {
      const pairs = instruction.pairs.map(
        ({ key, value }) => [this.#text(key.text, escape), this.#text(value.text, escape)] as const,
      );
      for (const [name, value] of pairs) {
        this.#set(name, value);
        this.#env.add(name);
      }
    } else if (instruction.kind === "ARG") {
      for (const { name, value } of instruction.args) {
        const text =
          (Object.hasOwn(given, name) ? given[name] : undefined) ??
          (value === undefined ? globals.values.get(name) : this.#text(value.text, escape));
        this.#declared.add(name);
        if (text !== undefined) {
          this.#set(name, text);
        }
      }
    } else if (instruction.kind === "SHELL") {
      this.#hasShell = true;
    } else if (instruction.kind === "WORKDIR") {
      this.#hasWorkdir = true;
    }
  }

  #text(text: string, escape: string): string {
    return expandNoting(text, this.lookup, escape).text ?? "";
  }

  /** A name that is set again goes to the end, as in BuildKit: suggestions take the first. */
  #set(name: string, value: string): void {
    this.#variables.delete(name);
    this.#variables.set(name, value);
  }
}

/** Where a stage starts that is FROM an image; undefined for one that is not at hand. */
export function imageScope(config: ContainerConfig | undefined): Scope {
  const env = (config?.Env ?? []).map((entry): [string, string] => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  const variables = new Map(env);
  if (!variables.has("PATH")) {
    variables.set("PATH", SYSTEM_PATH);
  }
  return new Scope({
    variables,
    env: new Set(variables.keys()),
    declared: new Set(),
    baseKnown: config !== undefined,
    hasShell: (config?.Shell ?? []).length > 0,
    hasWorkdir: false,
    baseWorkdir: config === undefined ? undefined : config.WorkingDir || "/",
  });
}
