import { existsSync } from "node:fs";
import { ContainerError } from "../containers/container-error.ts";
import { isUp, pathIn, stateOf } from "../containers/container.ts";
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
  readonly until?: number;
}

/** What a container wrote. One in the foreground that goes with its end keeps no log. Throws ContainerError. */
export async function* logs({ store }: Pick<Laminate, "store">, { container: name, follow, tail, since = -Infinity, until = Infinity }: LogsOptions, signal: AbortSignal): AsyncIterable<LogLine> {
  const container = new Containers(store.root).find(name);
  const wanted = ({ time }: LogLine): boolean => Date.parse(time) >= since && Date.parse(time) <= until;
  if (container.record.autoRemove && !existsSync(pathIn(container, "log")) && isUp(stateOf(container))) {
    throw new ContainerError("no-log", `the output of container ${container.record.name} is not kept: it went to whoever started it in the foreground with --rm`);
  }
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
    if (count < 0 && wanted(line)) yield line;
  }
}
