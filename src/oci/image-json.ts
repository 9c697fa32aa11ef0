import { mediaTypes, type Descriptor } from "./descriptor.ts";
import { isDigest, type DiffId } from "./digest.ts";
import type { ImageConfig } from "./image-config.ts";
import type { ImageIndex, Manifest } from "./manifest.ts";
import { Failure } from "../base/failure.ts";

/** JSON of an image that is not what it should be. */
export class InvalidImage extends Failure {
  readonly code = "not-an-image" as const;
}

/** JSON of an archive or a registry that anyone may have made, checked as far as we rely on it. `what` names it in errors. */
export interface Untrusted {
  readonly what: string;
  readonly bytes: Buffer;
}

export type Members = Readonly<Record<string, unknown>>;

/** An image config. */
export function parseConfig(given: Untrusted): ImageConfig {
  const config = membersOf(parseJson(given), given);
  const rootfs = membersOf(config["rootfs"], given, "rootfs");
  const diffIds = listOf(rootfs["diff_ids"], given, "rootfs.diff_ids");
  if (!diffIds.every((each): each is DiffId => isDigest(each))) throw bad(given, "rootfs.diff_ids holds something that is no sha256 digest");
  for (const key of ["architecture", "os"]) textOf(config[key], given, key);
  for (const key of ["variant", "created", "author"]) if (isThere(config[key])) textOf(config[key], given, key);
  if (isThere(config["history"])) listOf(config["history"], given, "history").forEach((each) => checkHistory(membersOf(each, given, "history"), given));
  if (isThere(config["config"])) checkExecution(membersOf(config["config"], given, "config"), given);
  return config as unknown as ImageConfig;
}

const TEXTS = ["User", "WorkingDir", "StopSignal"];
const LISTS = ["Env", "Entrypoint", "Cmd", "OnBuild", "Shell"];
const MAPS = ["ExposedPorts", "Volumes", "Labels", "Healthcheck"];

/** What a container is run by: a wrong type here would only be met by whoever runs or builds on the image. */
function checkExecution(config: Members, given: Untrusted): void {
  for (const key of TEXTS) if (isThere(config[key])) textOf(config[key], given, `config.${key}`);
  for (const key of LISTS) if (isThere(config[key])) listOf(config[key], given, `config.${key}`).forEach((each) => textOf(each, given, `config.${key}`));
  for (const key of MAPS) if (isThere(config[key])) membersOf(config[key], given, `config.${key}`);
  Object.values((config["Labels"] ?? {}) as Members).forEach((value) => textOf(value, given, "config.Labels"));
}

function checkHistory(entry: Members, given: Untrusted): void {
  for (const key of ["created", "created_by", "author", "comment"]) if (isThere(entry[key])) textOf(entry[key], given, `history.${key}`);
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** An image manifest, of OCI or Docker schema 2. */
export function parseManifest(given: Untrusted): Manifest {
  const manifest = membersOf(parseJson(given), given);
  checkDescriptor(manifest["config"], given, "config");
  listOf(manifest["layers"], given, "layers").forEach((each) => checkDescriptor(each, given, "layers"));
  return manifest as unknown as Manifest;
}

/** An image index or Docker manifest list. */
export function parseIndex(given: Untrusted): ImageIndex {
  const index = membersOf(parseJson(given), given);
  listOf(index["manifests"], given, "manifests").forEach((each) => checkDescriptor(each, given, "manifests"));
  return index as unknown as ImageIndex;
}

/** Whether a descriptor points to an image index. */
export function isIndex(descriptor: Descriptor): boolean {
  return descriptor.mediaType === mediaTypes.index || descriptor.mediaType === mediaTypes.dockerManifestList;
}

/** Whether a descriptor points to an image manifest. */
export function isManifest(descriptor: Descriptor): boolean {
  return descriptor.mediaType === mediaTypes.manifest || descriptor.mediaType === mediaTypes.dockerManifest;
}

/** Any JSON. */
export function parseJson(given: Untrusted): unknown {
  try {
    return JSON.parse(given.bytes.toString("utf8"));
  } catch (error) {
    throw new InvalidImage(`read ${given.what}: it is not JSON`, { cause: error });
  }
}

function checkDescriptor(value: unknown, given: Untrusted, key: string): void {
  const descriptor = membersOf(value, given, key);
  textOf(descriptor["mediaType"], given, `${key}.mediaType`);
  if (!isDigest(descriptor["digest"])) throw bad(given, `${key} has no sha256 digest`);
  if (!Number.isSafeInteger(descriptor["size"]) || (descriptor["size"] as number) < 0) throw bad(given, `${key} has no size`);
}

/** An object; `key` names it in the error. */
export function membersOf(value: unknown, given: Untrusted, key = "the whole"): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(given, `${key} is no object`);
  return value as Members;
}

/** A list. */
export function listOf(value: unknown, given: Untrusted, key: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(given, `${key} is no list`);
  return value;
}

/** A text. */
export function textOf(value: unknown, given: Untrusted, key: string): string {
  if (typeof value !== "string") throw bad(given, `${key} is no text`);
  return value;
}

function bad({ what }: Untrusted, why: string): InvalidImage {
  return new InvalidImage(`read ${what}: ${why}`);
}
