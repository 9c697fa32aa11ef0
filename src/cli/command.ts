/**
 * How one flag is written. `boolean` may be given as `--x` or `--x=false`; `string` and `number` take a value;
 * `list` may be repeated and collects; `optional` is a string that may stand alone (`--pull`, then its `implied` value is taken).
 */
export interface Flag {
  readonly kind: "boolean" | "string" | "number" | "list" | "optional";
  /** One letter, without the dash. Booleans bundle: `-it`. */
  readonly short?: string;
  readonly summary: string;
  /** What the value stands for in help: `NAME=VALUE`. */
  readonly value?: string;
  readonly implied?: string;
  /** The only values that a string takes: any other is refused, and shells complete these. */
  readonly choices?: readonly string[];
}

export type FlagTable = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F["kind"] extends "boolean"
  ? boolean | undefined
  : F["kind"] extends "number"
    ? number | undefined
    : F["kind"] extends "list"
      ? readonly string[]
      : F["choices"] extends readonly (infer Choice)[]
        ? Choice | undefined
        : string | undefined;

export type FlagValues<T extends FlagTable> = { readonly [K in keyof T]: FlagValue<T[K]> };

/** What a command is given instead of ambient state; made once in main. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by Ctrl-C or SIGTERM; main then exits 130 or 143. */
  readonly signal: AbortSignal;
  /**
   * From now until what it gives is called, signals that can be caught go to `deliver` and no longer abort `signal`;
   * `onResize` is told when our terminal has a new size.
   */
  readonly takeSignals: (deliver: (name: NodeJS.Signals) => void, onResize: () => void) => () => void;
  /** `--root` or LAMINATE_ROOT, undefined for the default. */
  readonly root: string | undefined;
}

/** A command of `laminate`, one file each under cli/commands/, loaded only when called. */
export interface Command<T extends FlagTable = FlagTable> {
  readonly name: string;
  readonly summary: string;
  /** After `laminate NAME`: `[OPTIONS] IMAGE [COMMAND [ARG...]]`. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly flags: T;
  /** Flags of docker that it does not have, and why: each is refused by name. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** The number of positional arguments that is right, and the only words that they may be. */
  readonly arguments: { readonly min: number; readonly max: number; readonly choices?: readonly string[] };
  /** Flags end at the first positional argument, as for `run` and `exec`. */
  readonly interspersed?: false;
  /** Resolves to the exit code. Throws Failure for expected failures (main prints them, exit 1). */
  run(context: CommandContext, flags: FlagValues<T>, args: readonly string[]): Promise<number>;
}

/** Gives a command's flags their types. */
export function defineCommand<const T extends FlagTable>(command: Command<T>): Command<T> {
  return command;
}
