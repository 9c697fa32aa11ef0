import { formatPlatform, type Platform } from "../../oci/platform.ts";
import { expandWord } from "../expand/expand.ts";
import type { ArgInstruction, Dockerfile } from "../parse/instruction.ts";
import { isProxyArgument } from "./proxy.ts";
import { expanding, type StageState } from "./stage-state.ts";

/** The build's arguments: what was given, what is global, and which of the given ones were asked for. */
export class BuildArguments {
  readonly #given: ReadonlyMap<string, string>;
  readonly #globals: Map<string, string>;
  readonly #consumed = new Set<string>();

  constructor(
    given: Readonly<Record<string, string>>,
    platforms: { readonly build: Platform; readonly target: Platform },
    targetStage: string,
  ) {
    this.#given = new Map(Object.entries(given));
    this.#globals = new Map([
      ...platformArguments("BUILD", platforms.build),
      ...platformArguments("TARGET", platforms.target),
      ["TARGETSTAGE", targetStage],
    ]);
    for (const name of this.#globals.keys()) {
      const value = this.#given.get(name);
      if (value !== undefined) {
        this.#globals.set(name, value);
      }
    }
  }

  /** A variable of FROM: an ARG before the first FROM, or a platform argument. */
  readonly lookup = (name: string): string | undefined => this.#globals.get(name);

  /** What {@link lookup} knows. */
  get names(): Iterable<string> {
    return this.#globals.keys();
  }

  /** ARGs before the first FROM. */
  declareGlobals(dockerfile: Dockerfile): void {
    for (const { statement, args } of dockerfile.globals) {
      for (const { name, value } of args) {
        const text =
          this.#take(name) ??
          (value === undefined
            ? undefined
            : expanding(statement, value, () =>
                expandWord(value.text, this.lookup, { escape: statement.escape }),
              ));
        if (text !== undefined) {
          this.#globals.set(name, text);
        }
      }
    }
  }

  /** An ARG of a stage: the given value, else the default, else the global one. */
  declare(instruction: ArgInstruction, state: StageState): void {
    const { statement, args } = instruction;
    const shown = args.map(({ name, value }) => {
      const text =
        this.#take(name) ??
        (value === undefined ? this.#globals.get(name) : state.expand(statement, value));
      state.setArg(name, text);
      return text === undefined ? name : `${name}=${text}`;
    });
    state.record(`ARG ${shown.join(" ")}`);
  }

  /** Marks the arguments of stages that are not built as asked for: giving one build its sibling's arguments is no mistake. */
  see(instruction: ArgInstruction): void {
    for (const { name } of instruction.args) {
      this.#consumed.add(name);
    }
  }

  unconsumed(): readonly string[] {
    return [...this.#given.keys()]
      .filter(
        (name) => !this.#consumed.has(name) && !isPredefined(name) && !this.#globals.has(name),
      )
      .sort((a, b) => (a < b ? -1 : 1));
  }

  #take(name: string): string | undefined {
    this.#consumed.add(name);
    return this.#given.get(name);
  }
}

function platformArguments(prefix: string, platform: Platform): [string, string][] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform["os.version"] ?? ""],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ""],
  ];
}

function isPredefined(name: string): boolean {
  return isProxyArgument(name) || name.startsWith("BUILDKIT_") || name === "SOURCE_DATE_EPOCH";
}
