import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import { isDigest, type DiffId } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { ArchiveFailure } from "./export-error.ts";

/** JSON of an archive that anyone may have made, checked as far as we rely on it. `what` names it in errors. */
export interface Untrusted {
  readonly what: string;
  readonly bytes: Buffer;
}

type Members = Readonly<Record<string, unknown>>;

export interface DockerManifestEntry {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

export function parseConfig(given: Untrusted): ImageConfig {
  const config = membersOf(parse(given), given);
  const rootfs = membersOf(config["rootfs"], given, "rootfs");
  const diffIds = listOf(rootfs["diff_ids"], given, "rootfs.diff_ids");
  if (!diffIds.every((each): each is DiffId => isDigest(each))) throw bad(given, "rootfs.diff_ids holds something that is no sha256 digest");
  for (const key of ["architecture", "os"]) textOf(config[key], given, key);
  if (config["history"] !== undefined && config["history"] !== null) listOf(config["history"], given, "history").forEach((each) => membersOf(each, given, "history"));
  if (config["config"] !== undefined && config["config"] !== null) membersOf(config["config"], given, "config");
  return config as unknown as ImageConfig;
}

export function parseManifest(given: Untrusted): Manifest {
  const manifest = membersOf(parse(given), given);
  checkDescriptor(manifest["config"], given, "config");
  listOf(manifest["layers"], given, "layers").forEach((each) => checkDescriptor(each, given, "layers"));
  return manifest as unknown as Manifest;
}

export function parseIndex(given: Untrusted): ImageIndex {
  const index = membersOf(parse(given), given);
  listOf(index["manifests"], given, "manifests").forEach((each) => checkDescriptor(each, given, "manifests"));
  return index as unknown as ImageIndex;
}

/** docker's manifest.json: which files are the config and the layers of each image. */
export function parseDockerManifest(given: Untrusted): DockerManifestEntry[] {
  return listOf(parse(given), given, "the whole").map((each) => {
    const entry = membersOf(each, given);
    return {
      config: textOf(entry["Config"], given, "Config"),
      names: listOf(entry["RepoTags"] ?? [], given, "RepoTags").map((name) => textOf(name, given, "RepoTags")),
      layers: listOf(entry["Layers"] ?? [], given, "Layers").map((path) => textOf(path, given, "Layers")),
    };
  });
}

export function isIndex(descriptor: Descriptor): boolean {
  return descriptor.mediaType === mediaTypes.index || descriptor.mediaType === mediaTypes.dockerManifestList;
}

export function isManifest(descriptor: Descriptor): boolean {
  return descriptor.mediaType === mediaTypes.manifest || descriptor.mediaType === mediaTypes.dockerManifest;
}

function parse(given: Untrusted): unknown {
  try {
    return JSON.parse(given.bytes.toString("utf8"));
  } catch (error) {
    throw new ArchiveFailure("not-an-image", `read ${given.what}: it is not JSON`, { cause: error });
  }
}

function checkDescriptor(value: unknown, given: Untrusted, key: string): void {
  const descriptor = membersOf(value, given, key);
  textOf(descriptor["mediaType"], given, `${key}.mediaType`);
  if (!isDigest(descriptor["digest"])) throw bad(given, `${key} has no sha256 digest`);
  if (!Number.isSafeInteger(descriptor["size"]) || (descriptor["size"] as number) < 0) throw bad(given, `${key} has no size`);
}

function membersOf(value: unknown, given: Untrusted, key = "the whole"): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(given, `${key} is no object`);
  return value as Members;
}

function listOf(value: unknown, given: Untrusted, key: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(given, `${key} is no list`);
  return value;
}

function textOf(value: unknown, given: Untrusted, key: string): string {
  if (typeof value !== "string") throw bad(given, `${key} is no text`);
  return value;
}

function bad({ what }: Untrusted, why: string): ArchiveFailure {
  return new ArchiveFailure("not-an-image", `read ${what}: ${why}`);
}
