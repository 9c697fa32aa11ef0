import type { Readable } from "node:stream";

/** Calls `onMessage` with each line of JSON; lines are complete before they are parsed, however the bytes arrive. */
export function readMessages<T>(source: Readable, onMessage: (message: T) => void): void {
  let pending: Buffer[] = [];
  source.on("data", (data: Buffer) => {
    let rest = data;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      pending = [];
      rest = rest.subarray(end + 1);
      onMessage(JSON.parse(line.toString("utf8")) as T);
    }
    if (rest.length > 0) pending.push(rest);
  });
}
