import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { errnoOf, reasonOf } from "../base/failure.ts";
import { erofsImage } from "../store/layers/erofs/erofs-image.ts";
import type { ErofsLower } from "../store/layers/lower.ts";
import { MOUNT, mount, unmount } from "../sys/mounts.ts";

const MOST_TRIES = 10;

/**
 * Mounts a layer's image at an empty directory in the mount namespace of this process. Paths are given to the kernel
 * from the image's directory, because mount(2) takes at most a page of options, and there is no escape for a comma.
 * Throws an Error with `code`: ENODEV without EROFS, ENOTBLK where it takes block devices only (before Linux 6.12).
 */
export function mountErofs({ image, devices }: Omit<ErofsLower, "kind">, target: string): void {
  const from = dirname(image);
  const options = devices.map((device) => `device=${relative(from, device)}`);
  const before = process.cwd();
  process.chdir(from);
  try {
    mount(relative(from, image), target, "erofs", MOUNT.readOnly, options.join(","));
  } finally {
    process.chdir(before);
  }
}

/** Why this process cannot mount images as files; undefined if it can. Tries it in `directory`, on the file system where layers will lie. */
export function findErofsObstacle(directory: string): string | undefined {
  mkdirSync(directory, { recursive: true });
  for (let tries = 1; ; tries += 1) {
    // Not named after the process: in their own namespaces all workers have one number.
    const place = mkdtempSync(join(directory, "erofs-probe-"));
    try {
      probe(place);
      return undefined;
    } catch (error) {
      // Another command that starts may have swept it away, as nobody's.
      if (errnoOf(error) !== "ENOENT" || tries === MOST_TRIES) return obstacle(error);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
}

function probe(place: string): void {
  const paths = { image: join(place, "image"), device: join(place, "device"), target: join(place, "target") };
  const image = erofsImage({ entries: [], devices: [{ size: 512 }] });
  if (image.kind !== "image") throw new Error(`Internal error: no image of an empty layer: ${image.reason}`);
  mkdirSync(paths.target);
  writeFileSync(paths.device, Buffer.alloc(512));
  writeFileSync(paths.image, Buffer.concat([...image.chunks()]));
  mountErofs({ image: paths.image, devices: [paths.device] }, paths.target);
  unmount(paths.target);
}

function obstacle(error: unknown): string {
  switch (errnoOf(error)) {
    case "EPERM":
    case "EACCES":
      return "only root may mount EROFS";
    case "ENODEV":
      return "the kernel has no EROFS";
    case "ENOTBLK":
      return "the kernel mounts EROFS from block devices only (files since Linux 6.12)";
    default:
      return `mounting EROFS fails: ${reasonOf(error)}`;
  }
}
