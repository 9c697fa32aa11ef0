import { nearestHint } from "../base/nearest.ts";
import type { ContainerConfig } from "../oci/image-config.ts";
import { familiarReference } from "../oci/reference.ts";
import { RequestFailure } from "./api-error.ts";
import { viewImage, type ImageView, type WithStore } from "./image-view.ts";
import { describeContainer, type ContainerDescription } from "./inspect-container.ts";

/** docker's JSON of an image. Names are those of the JSON; `null` is a nil list or map. */
export interface ImageDescription {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  /** Empty: an image knows no parent. */
  readonly Parent: "";
  readonly Comment: string;
  readonly Created: string;
  readonly DockerVersion: string;
  readonly Author: string;
  readonly Config: ContainerConfig;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Os: string;
  readonly Size: number;
  readonly RootFS: { readonly Type: "layers"; readonly Layers: readonly string[] };
  readonly Descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

export type Description = { readonly kind: "image"; readonly value: ImageDescription } | { readonly kind: "container"; readonly value: ContainerDescription };

export interface InspectOptions {
  readonly name: string;
  /** Look only among these; else a container first, then an image, as docker does. */
  readonly type?: "image" | "container";
}

/** All that is known of an image or container. */
export async function inspect({ store }: WithStore, { name, type }: InspectOptions): Promise<Description> {
  if (type !== "image") {
    const container = await describeContainer(store, name);
    if (container !== undefined) return { kind: "container", value: container };
    if (type === "container") throw new RequestFailure("no-such-object", `No such container: ${name}`, nearestHint(name, await containerNames(store)));
  }
  try {
    return { kind: "image", value: describeImage(await viewImage(store, store.images.find(name))) };
  } catch (error) {
    if (type === undefined && error instanceof Error && "code" in error && error.code === "no-such-image") {
      throw new RequestFailure("no-such-object", `No such object: ${name}`, { cause: error, ...nearestHint(name, [...(await containerNames(store)), ...store.images.namesLike(name)]) });
    }
    throw error;
  }
}

async function containerNames({ root }: WithStore["store"]): Promise<readonly string[]> {
  const { Containers } = await import("../containers/containers.ts");
  return new Containers(root).names();
}

function describeImage({ record, config, size, tags, digests }: ImageView): ImageDescription {
  return {
    Id: record.id,
    RepoTags: tags.map(familiarReference),
    RepoDigests: digests,
    Parent: "",
    Comment: config.history?.at(-1)?.comment ?? "",
    Created: config.created ?? "",
    DockerVersion: "",
    Author: config.author ?? "",
    Config: fullConfig(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: size,
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Descriptor: { mediaType: record.manifest.mediaType, digest: record.manifest.digest, size: record.manifest.size },
  };
}

/** The members that docker always shows, so that a script may ask for them. */
function fullConfig(config: ContainerConfig): ContainerConfig {
  const always = { User: "", Env: null, Cmd: null, Volumes: null, WorkingDir: "", Entrypoint: null, OnBuild: null, Labels: null, ExposedPorts: null };
  return { ...always, ...config } as ContainerConfig;
}
