import { createHash } from "node:crypto";

/** `sha256:` and 64 lowercase hex digits (OCI image-spec, descriptor.md, Digests). Made by {@link parseDigest} or {@link digestOf}. */
export type Digest = `sha256:${string}` & { readonly __brand: "Digest" };
/** The digest of a layer's uncompressed tar (image-spec, config.md, Layer DiffID). */
export type DiffId = Digest & { readonly __diffId: true };
/** The digest of a stack of layers (image-spec, config.md, Layer ChainID). */
export type ChainId = Digest & { readonly __chainId: true };

const SHA256 = /^sha256:[0-9a-f]{64}$/;

/** Whether the text is a sha256 digest in its canonical form. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && SHA256.test(text);
}

/** Reads a digest, or undefined: callers know the file, flag or header to name in their error. */
export function parseDigest(text: unknown): Digest | undefined {
  return isDigest(text) ? text : undefined;
}

/** The digest of bytes that are all at hand; text is hashed as UTF-8. */
export function digestOf(bytes: Buffer | Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

/** A digest from a finished sha256's hex digits. */
export function digestFromHex(hex: string): Digest {
  const digest = `sha256:${hex}`;
  if (!isDigest(digest)) {
    throw new Error(`Internal error: ${JSON.stringify(hex)} is not sha256 in hex`);
  }
  return digest;
}

/** The hex digits after `sha256:`, as used in file names. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** The chain ID of a stack of layers, lowest first (image-spec, config.md, Layer ChainID); undefined for no layers. */
export function chainIdOf(diffIds: readonly DiffId[]): ChainId | undefined {
  let chain: Digest | undefined;
  for (const diffId of diffIds) {
    chain = chain === undefined ? diffId : digestOf(`${chain} ${diffId}`);
  }
  return chain as ChainId | undefined;
}
