import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { reasonOf } from "../base/failure.ts";
import type { ErofsLower, Lower } from "../store/layers/lower.ts";
import { mount } from "../sys/mounts.ts";
import { mountErofs } from "./erofs.ts";
import type { OverlayOptions } from "./overlay.ts";
import { SandboxError } from "./sandbox-error.ts";

/** Where a store's layers are mounted: a directory that is always empty, but in the mount namespace of who mounts them. */
export function lowerMountsPlace(root: string): string {
  return join(root, "mounts");
}

/**
 * Layers as directories in the mount namespace of this process, images mounted when first asked for and then kept.
 * Their mount points lie in a file system in memory at `place`, so that nothing is left when the namespace ends.
 */
export class LowerMounts {
  readonly #place: string;
  readonly #mounted = new Map<string, string>();

  constructor(place: string) {
    this.#place = place;
  }

  /** The layers as an overlay takes them. Throws SandboxError `mount-failed`. */
  stack(lowers: readonly Lower[]): Pick<OverlayOptions, "lowers" | "severalFileSystems"> {
    return { lowers: this.directories(lowers), severalFileSystems: lowers.some(({ kind }) => kind === "erofs") };
  }

  directories(lowers: readonly Lower[]): string[] {
    return lowers.map((lower) => (lower.kind === "directory" ? lower.path : this.#mounted.get(lower.image) ?? this.#mount(lower)));
  }

  #mount(lower: ErofsLower): string {
    // The layer's own name: where it is mounted again for the same overlay, it is found at the same path.
    const target = join(this.#place, basename(dirname(lower.image)));
    try {
      if (this.#mounted.size === 0) {
        mkdirSync(this.#place, { recursive: true });
        mount("tmpfs", this.#place, "tmpfs", 0, "mode=755");
      }
      mkdirSync(target);
      mountErofs(lower, target);
    } catch (error) {
      throw new SandboxError("mount-failed", `cannot mount the layer ${JSON.stringify(lower.image)}: ${reasonOf(error)}`, { cause: error, hint: "with LAMINATE_SNAPSHOTS=directory layers are unpacked instead" });
    }
    this.#mounted.set(lower.image, target);
    return target;
  }
}
