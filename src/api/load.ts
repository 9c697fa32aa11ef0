import { createReadStream, statSync } from "node:fs";
import { loadImages, type LoadedImage } from "../exporters/load-images.ts";
import { archiveMembers, directoryMembers, type Member } from "../exporters/members.ts";
import { goArchitecture, type Platform } from "../oci/platform.ts";
import type { WithStore } from "./image-view.ts";

export interface LoadOptions {
  /** A docker archive or OCI archive, compressed or not, or an OCI image layout directory; or a stream of an archive. */
  readonly input: string | AsyncIterable<Buffer>;
  /** Which image of a multi-platform one; else this machine's. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
}

/** Puts the images of an archive into the store, under the names that it gives them. */
export async function load({ store }: WithStore, { input, platform, signal }: LoadOptions): Promise<LoadedImage[]> {
  return await loadImages(store, membersOf(input), {
    platform: platform ?? { os: "linux", architecture: goArchitecture(process.arch) },
    ...(signal === undefined ? {} : { signal }),
  });
}

function membersOf(input: LoadOptions["input"]): AsyncIterable<Member> {
  if (typeof input !== "string") return archiveMembers(input);
  if (statSync(input).isDirectory()) return directoryMembers(input);
  return archiveMembers(createReadStream(input, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>);
}
