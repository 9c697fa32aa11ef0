import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isUp, pathIn, stateOf, type Container } from "./container.ts";

export interface LogLine {
  /** RFC 3339, as conmon wrote it. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** With its newline, unless it goes on in the next. */
  readonly text: Buffer;
}

const CHUNK = 1 << 16;
const POLL_MS = 50;
const SPACE = 0x20;

/** What a container wrote, in conmon's k8s-file format: `TIME STREAM F|P TEXT`, P for a line that goes on. With `follow` until it ends. */
export async function* readLog(container: Container, options: { readonly follow: boolean; readonly signal: AbortSignal }): AsyncIterable<LogLine> {
  let file: number;
  try {
    file = openSync(pathIn(container, "log"), "r");
  } catch {
    return; // it ran in the foreground, where its output went to the terminal
  }
  try {
    let rest = Buffer.alloc(0) as Buffer;
    for (let at = 0; ; ) {
      const running = options.follow && isUp(stateOf(container));
      for (let size = fstatSync(file).size; at < size; ) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - at));
        const count = readSync(file, buffer, 0, buffer.length, at);
        at += count;
        rest = Buffer.concat([rest, buffer.subarray(0, count)]);
        for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
          const line = parseLine(rest.subarray(0, end));
          rest = rest.subarray(end + 1);
          if (line !== undefined) yield line;
        }
      }
      if (!running) return;
      await sleep(POLL_MS, undefined, { signal: options.signal });
    }
  } finally {
    closeSync(file);
  }
}

function parseLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  const stream = line.toString("latin1", first + 1, second);
  if (third < 0 || (stream !== "stdout" && stream !== "stderr")) return undefined;
  const whole = line[second + 1] === 0x46;
  const text = line.subarray(third + 1);
  return { time: line.toString("latin1", 0, first), stream, text: whole ? Buffer.concat([text, Buffer.from("\n")]) : Buffer.from(text) };
}
