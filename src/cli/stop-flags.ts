import type { FlagValues } from "./command.ts";

/** The flags of `stop` and `restart`. */
export const stopFlags = {
  signal: { kind: "string", short: "s", value: "SIGNAL", summary: "The signal to send (default: the container's own, else TERM)" },
  time: { kind: "number", short: "t", value: "SECONDS", summary: "How long to wait before it is killed; -1 is for ever (default: the container's own, else 10)" },
  timeout: { kind: "number", value: "SECONDS", summary: "As --time" },
} as const;

/** What they ask for. */
export function stopOptions({ signal, time, timeout = time }: FlagValues<typeof stopFlags>): { readonly signal?: string; readonly seconds?: number } {
  return { ...(timeout === undefined ? {} : { seconds: timeout }), ...(signal === undefined ? {} : { signal }) };
}
