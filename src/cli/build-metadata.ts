import type { BuildResult } from "../api/build.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";

/** What `--metadata-file` writes, as buildx: the image's digest is its manifest's where a registry has that, else its ID as docker's. */
export function buildMetadata({ id, names, pushed }: BuildResult): string {
  const metadata = {
    ...(id === undefined ? {} : { "containerimage.config.digest": id, "containerimage.digest": pushed ?? id }),
    ...(names.length === 0 ? {} : { "image.name": names.map((name) => canonicalReference(parseReference(name))).join(",") }),
  };
  return `${JSON.stringify(metadata, null, 2)}\n`;
}
