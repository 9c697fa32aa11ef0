import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import type { Writable } from "node:stream";
import { Containers } from "../containers/containers.ts";
import { withContainerFiles } from "../containers/files/container-files.ts";
import type { Laminate } from "./laminate.ts";

/** Writes a container's file system, without its volumes, as a tar: to a stream, or to a file that is whole or not there. */
export async function exportContainer(laminate: Laminate, request: { readonly container: string; readonly output: Writable | string }, signal: AbortSignal): Promise<void> {
  const container = new Containers(laminate.store.root).find(request.container);
  const write = (output: Writable) => withContainerFiles(container, { kind: "export" }, { output }, { ...laminate, signal });
  if (typeof request.output !== "string") {
    return await write(request.output);
  }
  const temporary = `${request.output}.${process.pid}.partial`;
  const file = createWriteStream(temporary, { flush: true });
  try {
    await write(file);
    file.end();
    await finished(file);
    await rename(temporary, request.output);
  } finally {
    file.destroy();
    await rm(temporary, { force: true });
  }
}
