import { decompressStream } from "../archive/decompress.ts";
import { lower } from "../dockerfile/lower/lower.ts";
import type { ContainerConfig, ImageConfig } from "../oci/image-config.ts";
import { goArchitecture, type Platform } from "../oci/platform.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { putLocalImage } from "../store/images/put-local-image.ts";
import { RequestFailure } from "./api-error.ts";
import type { WithStore } from "./image-view.ts";

export interface ImportOptions {
  /** The tar of a root file system, compressed or not. */
  readonly source: AsyncIterable<Buffer>;
  /** Where it comes from, for the image's history: a file's name or `-`. */
  readonly sourceName: string;
  readonly name?: string;
  /** Dockerfile instructions that say something of the config. */
  readonly changes: readonly string[];
  readonly message?: string;
  readonly platform?: Platform;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

const CHANGES = ["CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"];

/** Keeps the search path away that a build's stage would get. */
const NO_PATH = "PATH=";

/** Makes an image of one layer out of a root file system. */
export async function importImage({ store }: WithStore, options: ImportOptions): Promise<ImageRecord> {
  const names = options.name === undefined ? [] : [canonicalReference(parseReference(options.name))];
  const platform = options.platform ?? { os: "linux", architecture: goArchitecture(process.arch) };
  // Before the layer: a mistake in a change is found at once.
  const config = await changed(options.changes, platform);
  const diffId = await store.layers.putTar(decompressStream(options.source) as AsyncIterable<Buffer>);
  const created = new Date(options.created).toISOString();
  const image: ImageConfig = {
    ...platform,
    created,
    config,
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created, created_by: "laminate import", comment: options.message ?? `Imported from ${options.sourceName}` }],
  };
  return await putLocalImage(store, Buffer.from(JSON.stringify(image)), [diffId], names);
}

async function changed(changes: readonly string[], platform: Platform): Promise<ContainerConfig> {
  for (const change of changes) {
    const word = /^\s*(\S*)/.exec(change)![1]!.toUpperCase();
    if (!CHANGES.includes(word)) {
      throw new RequestFailure("bad-change", `change "${change}": ${word === "" ? "it is empty" : `${word} is not a change that an image without a build can take`}`, { hint: `these can be given: ${CHANGES.join(", ")}` });
    }
  }
  if (changes.length === 0) return {};
  const lowered = await lower({
    dockerfile: `FROM imported\n${changes.join("\n")}\n`,
    file: "--change",
    buildArgs: {},
    labels: {},
    platform,
    resolveBase: () => Promise.resolve({ ...platform, config: { Env: [NO_PATH] }, rootfs: { type: "layers", diff_ids: [] } }),
  });
  // What builds add of themselves is left out: an imported image says what was asked for, as with docker.
  const { Env, ArgsEscaped: _escaped, ...rest } = lowered.config;
  const env = (Env ?? []).filter((line) => line !== NO_PATH);
  return { ...rest, ...(env.length === 0 ? {} : { Env: env }) };
}
