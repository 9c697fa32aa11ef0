import type { EventSink } from "../events/build-event.ts";
import type { BuiltImage } from "../executors/built-image.ts";
import type { FileSource } from "../executors/value.ts";
import { outgoingImage } from "../exporters/outgoing-image.ts";
import { type SaveFormat, writeBytes, writeImages, type WriteTarget } from "../exporters/write-images.ts";
import { reasonOf } from "../base/failure.ts";
import { unreachable } from "../base/unreachable.ts";
import type { Compression } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseReference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { type BuildOutput, namesOf } from "./build-outputs.ts";
import type { Laminate } from "./laminate.ts";

export interface ExportWatch {
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** SOURCE_DATE_EPOCH, milliseconds since the epoch: the time of all files that leave as files. */
  readonly epoch: number | undefined;
  /** An id that no step has: each output has its own from there on. */
  readonly firstId: number;
}

/** What leaves: the layers and, where an output needs it, the image. */
export type Leaving = BuiltImage & { readonly record: ImageRecord | undefined };

/** Writes what does not end in the store, one output after the other; gives the digest of the manifest that a registry got. */
export async function writeOutputs(laminate: World, built: Leaving, outputs: readonly BuildOutput[], tags: readonly string[], { events, signal, epoch, firstId }: ExportWatch): Promise<Digest | undefined> {
  laminate.store.leases.hold(...built.layers);
  const jobs = outputs.flatMap((output) => jobsOf(output, built, tags, laminate));
  let pushed: Digest | undefined;
  for (const [place, { name, run }] of jobs.entries()) {
    const id = firstId + place;
    events({ type: "step-started", id, name, time: Date.now() });
    try {
      pushed = (await run({ id, events, signal, epoch })) ?? pushed;
      events({ type: "step-finished", id, name, time: Date.now() });
    } catch (error) {
      events(signal.aborted ? { type: "step-cancelled", id, name, time: Date.now() } : { type: "step-failed", id, name, message: reasonOf(error), time: Date.now() });
      throw error;
    }
  }
  return pushed;
}

type World = Pick<Laminate, "store" | "env">;

interface JobWatch {
  readonly id: number;
  readonly events: EventSink;
  readonly signal: AbortSignal;
  readonly epoch: number | undefined;
}

/** Work that is shown as a step, though the graph has none of it. */
interface Job {
  readonly name: string;
  readonly run: (watch: JobWatch) => Promise<Digest | void>;
}

function jobsOf(output: BuildOutput, built: Leaving, tags: readonly string[], laminate: World): readonly Job[] {
  switch (output.kind) {
    case "archive":
      return [{ name: `exporting to ${output.format}`, run: (watch) => writeArchive(laminate, built, { ...output, names: output.names ?? tags }, watch) }];
    case "directory":
      return [{ name: "exporting to client directory", run: (watch) => writeFiles(laminate, built, output.directory, watch) }];
    case "tar":
      return [{ name: "exporting to client tarball", run: (watch) => writeTarball(laminate, built, output.output, watch) }];
    case "image": {
      const insecure = output.insecure === true ? { insecure: true } : {};
      const names = output.push === true ? namesOf([output], tags) : [];
      return names.map((reference) => ({ name: `pushing ${reference}`, run: (watch) => pushAs(laminate, { reference, ...insecure }, watch) }));
    }
    case "nothing":
      return [];
    default:
      return unreachable(output);
  }
}

async function writeArchive({ store }: World, { record }: Leaving, { format, output, names, compression }: { readonly format: SaveFormat; readonly output: WriteTarget; readonly names: readonly string[]; readonly compression: Compression }, { signal }: JobWatch): Promise<void> {
  const image = await outgoingImage(store, record!, compression);
  await writeImages([{ image, names: names.map(parseReference) }], { format, output, signal });
}

async function writeTarball(laminate: World, built: Leaving, output: WriteTarget, { signal, epoch }: JobWatch): Promise<void> {
  const [{ treeFiles }, { treeTar }] = await Promise.all([import("../exporters/files/tree-files.ts"), import("../exporters/files/tree-tar.ts")]);
  await writeBytes(treeTar(treeFiles(await sourceOf(laminate, built), epoch)), output, signal);
}

async function pushAs(laminate: World, options: { readonly reference: string; readonly insecure?: boolean }, { id, events, signal }: JobWatch): Promise<Digest> {
  const { push } = await import("./push.ts");
  const { digest } = await push(laminate, options, { events: (event) => events("id" in event ? { ...event, id } : event), signal });
  return digest;
}

async function writeFiles(laminate: World, built: Leaving, directory: string, { events, signal, epoch, id }: JobWatch): Promise<void> {
  const [{ treeFiles }, { writeDirectory }] = await Promise.all([import("../exporters/files/tree-files.ts"), import("../exporters/files/write-directory.ts")]);
  const progress = (current: number, done: boolean) => events({ type: "progress", id, item: "copying files", current, done, time: Date.now() });
  let bytes = 0;
  const skipped = await writeDirectory(directory, treeFiles(await sourceOf(laminate, built), epoch), { signal, onProgress: (now) => progress((bytes = now), false) });
  progress(bytes, true);
  if (skipped.length > 0) {
    events({ type: "notice", message: `only root may make devices; left out: ${skipped.slice(0, 3).join(", ")}${skipped.length > 3 ? ` and ${skipped.length - 3} more` : ""}`, time: Date.now() });
  }
}

async function sourceOf({ store }: World, { layers }: Leaving): Promise<FileSource> {
  const { LayerTrees } = await import("../executors/layer-trees.ts");
  return await new LayerTrees(store.layers).source("the image", layers);
}
