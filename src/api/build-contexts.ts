import path from "node:path";
import type { ContextWorld } from "../executors/context/build-context.ts";
import { namedFiles, type NamedFiles } from "../executors/context/named-context.ts";
import type { FileSource } from "../executors/value.ts";
import { findInLayout, loadLayoutBase } from "../exporters/layout-base.ts";
import { contextName, type NamedContext } from "../dockerfile/lower/named-context.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { Platform } from "../oci/platform.ts";
import { canonicalReference, InvalidReference, parseReference } from "../oci/reference.ts";
import { BuildFailure } from "./build-failure.ts";

/** `--build-context NAME=VALUE`. */
export interface GivenContext {
  readonly name: string;
  /** A directory, `docker-image://REFERENCE`, `oci-layout://DIRECTORY[:TAG][@DIGEST]`, a git or http(s) URL. */
  readonly value: string;
}

/** Gives an image's config; its layers are then in the store. */
export type BaseLoader = (platform: Platform) => Promise<ImageConfig>;

/** The named contexts of a build. */
export interface BuildContexts {
  /** What lowering knows of them, by name. */
  readonly named: ReadonlyMap<string, NamedContext>;
  /** Images that come from elsewhere than a registry, by canonical reference. */
  readonly bases: ReadonlyMap<string, BaseLoader>;
  /** The files of one, by its operation's name. */
  files(name: string): Promise<FileSource>;
  /** Keeps for later builds what was learned of the files. */
  keep(): void;
}

/** Looks at what `--build-context` names, and fetches nothing yet. Throws BuildFailure, ExecuteError or ArchiveFailure for what is not there. */
export async function openContexts(given: readonly GivenContext[], world: ContextWorld): Promise<BuildContexts> {
  const named = new Map<string, NamedContext>();
  const bases = new Map<string, BaseLoader>();
  const files = new Map<string, NamedFiles>();
  // The last of a name counts, as in buildx.
  for (const [name, value] of new Map(given.map((one) => [nameOf(one), one.value]))) {
    const image = after("docker-image://", value);
    const layout = after("oci-layout://", value);
    if (image === "scratch") named.set(name, { kind: "empty" });
    else if (image !== undefined) named.set(name, { kind: "image", reference: imageOf(name, image), shown: image });
    else if (layout !== undefined) {
      const { reference, load } = await layoutBase(name, layout, world);
      bases.set(canonicalReference(parseReference(reference)), load);
      named.set(name, { kind: "image", reference, shown: `OCI load from ${layout}` });
    } else {
      files.set(`context:${name}`, namedFiles(name, value, world));
      named.set(name, { kind: "files" });
    }
  }
  return {
    named,
    bases,
    files: async (name) => await files.get(name)!.open(),
    keep: () => files.forEach((one) => one.keep()),
  };
}

function after(prefix: string, value: string): string | undefined {
  return value.startsWith(prefix) ? value.slice(prefix.length) : undefined;
}

function nameOf({ name }: GivenContext): string {
  return inWords(`invalid context name ${name}`, () => contextName(name));
}

function imageOf(name: string, reference: string): string {
  return inWords(`build context ${name}`, () => canonicalReference(parseReference(reference)));
}

function inWords<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof InvalidReference ? new BuildFailure("bad-context", `--build-context: ${what}: ${error.message}`, { cause: error }) : error;
  }
}

/** As in buildx a tag ends the path at its first colon. The image is known by the context's name and its digest. */
async function layoutBase(name: string, written: string, { cwd, store, signal }: ContextWorld): Promise<{ readonly reference: string; readonly load: BaseLoader }> {
  const [place = "", digest] = written.split("@", 2);
  const [directory = "", tag] = place.split(":", 2);
  const image = await findInLayout(path.resolve(cwd, directory), { ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) });
  const { registry, repository } = parseReference(name);
  return {
    reference: canonicalReference({ registry, repository, digest: image.descriptor.digest }),
    load: (platform) => loadLayoutBase(store, image, platform, signal),
  };
}
