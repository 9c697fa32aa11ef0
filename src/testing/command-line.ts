import { PassThrough } from "node:stream";
import type { World } from "../cli/run-command.ts";

/** A process's streams and state as a test sees them. */
export interface Screen {
  readonly world: World;
  /** What was printed so far. */
  readonly out: () => string;
  readonly err: () => string;
}

/** A command line's world whose output is kept. */
export function screen(given: Partial<Pick<World, "env" | "cwd" | "signal">> = {}): Screen {
  const [out, stdout] = kept();
  const [err, stderr] = kept();
  const stdin = new PassThrough() as unknown as NodeJS.ReadStream;
  return { world: { env: {}, cwd: "/", takeSignals: () => () => {}, signal: new AbortController().signal, stdin, stdout, stderr, ...given }, out, err };
}

function kept(): [() => string, NodeJS.WriteStream] {
  let text = "";
  const stream = new PassThrough().setEncoding("utf8").on("data", (piece: string) => (text += piece));
  return [() => text, stream as unknown as NodeJS.WriteStream];
}
