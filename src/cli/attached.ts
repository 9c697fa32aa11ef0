import type { CommandContext } from "./command.ts";
import { UsageError } from "./usage-error.ts";

const DEFAULT_KEYS = "ctrl-p,ctrl-q";
const CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/** Reads docker's `--detach-keys`: letters, or ctrl- and a letter or one of @ [ \ ] ^ _, with commas between; "" is none. */
export function detachKeys(text = DEFAULT_KEYS): readonly number[] {
  return text === "" ? [] : text.split(",").map((key) => keyOf(key, text));
}

function keyOf(key: string, text: string): number {
  const control = /^ctrl-(.)$/.exec(key)?.[1];
  const code = control === undefined ? -1 : CONTROL.indexOf(control);
  if (code >= 0) return code;
  if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
  throw new UsageError("bad-value", `invalid argument "${text}" for "--detach-keys" flag: unknown character: '${key}'`, { hint: "write them as ctrl-p,ctrl-q or a,b" });
}

type Tell = (said: `signal ${string}` | `size ${number} ${number}`) => void;

/** Passes signals and new sizes of our terminal on to a container whose streams are ours. */
export function proxy({ takeSignals, stdout }: Pick<CommandContext, "takeSignals" | "stdout">): (tell: Tell) => () => void {
  return (tell) => takeSignals((name) => tell(`signal ${name}`), () => tell(`size ${stdout.rows} ${stdout.columns}`));
}
