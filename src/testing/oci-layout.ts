import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Makes an empty directory an OCI layout with an image `x` of these layers, written by hand for tools that are not ours. */
export function layoutOf(layers: readonly Buffer[], layout: string): string {
  const blobs = join(layout, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (bytes: Buffer) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: unknown) => put(Buffer.from(JSON.stringify(value)));
  const tars = layers.map(put);
  const config = json({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: tars.map(({ digest }) => digest) }, history: [] });
  const type = "application/vnd.oci.image";
  const manifest = json({ schemaVersion: 2, mediaType: `${type}.manifest.v1+json`, config: { mediaType: `${type}.config.v1+json`, ...config }, layers: tars.map((tar) => ({ mediaType: `${type}.layer.v1.tar`, ...tar })) });
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: `${type}.manifest.v1+json`, ...manifest, annotations: { "org.opencontainers.image.ref.name": "x" } }] }));
  return layout;
}
