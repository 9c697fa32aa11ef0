import { Containers } from "../containers/containers.ts";
import { readLog, type LogLine } from "../containers/read-log.ts";
import type { Laminate } from "./laminate.ts";

export interface LogsOptions {
  readonly container: string;
  readonly follow: boolean;
  /** The last lines only. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

/** What a container in the background wrote. */
export async function* logs({ store }: Pick<Laminate, "store">, { container: name, follow, tail, since }: LogsOptions, signal: AbortSignal): AsyncIterable<LogLine> {
  const container = new Containers(store.root).find(name);
  const wanted = ({ time }: LogLine): boolean => since === undefined || Date.parse(time) >= since;
  if (tail === undefined) {
    for await (const line of readLog(container, { follow, signal })) if (wanted(line)) yield line;
    return;
  }
  const last: LogLine[] = [];
  let count = 0;
  for await (const line of readLog(container, { follow: false, signal })) {
    count += 1;
    if (wanted(line)) last.push(line);
    if (last.length > tail) last.shift();
  }
  yield* last;
  if (!follow) return;
  for await (const line of readLog(container, { follow, signal })) {
    count -= 1;
    if (count < 0) yield line;
  }
}
