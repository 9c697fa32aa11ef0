import type { Store } from "../store.ts";
import type { ImageRecord } from "./image-store.ts";

/** Gives another store an image with all its names, its layers by links. The lender keeps what it lends until this process ends. */
export async function lendImage(from: Store, to: Store, image: ImageRecord): Promise<void> {
  const { rootfs } = await from.images.config(image);
  from.leases.hold(image.id, image.manifest.digest, ...rootfs.diff_ids);
  for (const layer of rootfs.diff_ids) await to.layers.borrow(from.layers, layer);
  for (const digest of [image.id, image.manifest.digest]) await to.content.put(await from.content.readAll(digest));
  await to.images.put(image.manifest, image.names);
}
