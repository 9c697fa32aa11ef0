import { mediaTypes, type Descriptor } from "../../oci/descriptor.ts";
import type { DiffId } from "../../oci/digest.ts";
import type { Manifest } from "../../oci/manifest.ts";
import type { ImageRecord } from "./image-store.ts";
import type { Store } from "../store.ts";

type Annotations = Readonly<Record<string, string>>;

/**
 * Puts an image under its names. An image that is here already keeps its manifest unless annotations are given: it may
 * be the one that a registry has, and a push must then give the same digest.
 */
export async function putLocalImage(store: Store, config: Buffer, diffIds: readonly DiffId[], names: readonly string[], annotations: Annotations = {}): Promise<ImageRecord> {
  const { digest } = await store.content.put(config);
  const known = Object.keys(annotations).length > 0 ? undefined : store.images.withId(digest);
  const { manifest } = known ?? (await localImage(store, config, diffIds, annotations));
  return await store.images.put(manifest, names);
}

/**
 * A config and a *local manifest*, which lists the layers' own tars, so that nothing is compressed until the image
 * leaves. It is no image of the store until it is put there.
 */
export async function localImage(store: Store, config: Buffer, diffIds: readonly DiffId[], annotations: Annotations = {}): Promise<ImageRecord> {
  const { digest, size } = await store.content.put(config);
  const layers: Descriptor[] = [];
  for (const diffId of diffIds) {
    layers.push({ mediaType: mediaTypes.layer, digest: diffId, size: await store.layers.tarSize(diffId) });
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest, size },
    layers,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  const stored = await store.content.put(Buffer.from(JSON.stringify(manifest)));
  return { id: digest, manifest: { mediaType: mediaTypes.manifest, ...stored }, names: [], created: 0 };
}
