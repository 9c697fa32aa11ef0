import { mediaTypes } from "../oci/descriptor.ts";
import { digestOf, isDigest, type Digest } from "../oci/digest.ts";
import { readBody } from "./read-body.ts";
import { RegistryFailure } from "./registry-error.ts";
import { discard } from "./response-failure.ts";
import { pullScope, pushScope } from "./scope.ts";
import type { Session } from "./session.ts";
import type { HttpResponse } from "./transport.ts";

/** A manifest or an index, byte for byte as the registry has it. */
export interface RawManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** A manifest in a repository. */
export interface ManifestAddress {
  readonly repository: string;
  readonly tagOrDigest: string;
  readonly signal?: AbortSignal | undefined;
}

/** distribution-spec, Pushing Manifests: registries enforce some limit of about this. */
export const MANIFEST_BYTES = 4 << 20;

const ACCEPT = [mediaTypes.manifest, mediaTypes.index, mediaTypes.dockerManifest, mediaTypes.dockerManifestList].join(", ");
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** Reads a manifest and checks its digest, against the one asked for and the one that the registry claims. */
export async function getManifest(session: Session, { repository, tagOrDigest, signal }: ManifestAddress): Promise<RawManifest> {
  const doing = `read manifest ${nameOf(session, repository, tagOrDigest)}`;
  const response = await session.request({ method: "GET", target: path(repository, tagOrDigest), headers: { accept: ACCEPT }, scopes: [pullScope(repository)], accepts: [200], doing, signal });
  const bytes = await readBody(response, MANIFEST_BYTES, doing);
  const digest = digestOf(bytes);
  const wanted = isDigest(tagOrDigest) ? tagOrDigest : claimedDigest(response);
  if (wanted !== undefined && wanted !== digest) {
    throw new RegistryFailure("digest-mismatch", `${doing}: the registry sent ${digest}, wanted ${wanted}`);
  }
  return { mediaType: mediaTypeOf(response, bytes, doing), digest, bytes };
}

/** The digest that a tag names now, without reading the manifest; undefined where there is none. The registry's word only. */
export async function headManifest(session: Session, { repository, tagOrDigest, signal }: ManifestAddress): Promise<Digest | undefined> {
  const doing = `look up manifest ${nameOf(session, repository, tagOrDigest)}`;
  const response = await session.request({ method: "HEAD", target: path(repository, tagOrDigest), headers: { accept: ACCEPT }, scopes: [pullScope(repository)], accepts: [200, 404], doing, signal });
  await discard(response);
  return response.status === 200 ? claimedDigest(response) : undefined;
}

/** Writes a manifest, whose blobs must be there before. */
export async function putManifest(session: Session, { repository, tagOrDigest, signal }: ManifestAddress, manifest: { readonly mediaType: string; readonly bytes: Buffer }): Promise<void> {
  const doing = `write manifest ${nameOf(session, repository, tagOrDigest)}`;
  const response = await session.request({
    method: "PUT",
    target: path(repository, tagOrDigest),
    headers: { "content-type": manifest.mediaType },
    body: { size: manifest.bytes.length, open: () => manifest.bytes },
    scopes: [pushScope(repository)],
    accepts: [200, 201, 202],
    doing,
    signal,
  });
  await discard(response);
  const digest = digestOf(manifest.bytes);
  const claimed = claimedDigest(response);
  if (claimed !== undefined && claimed !== digest) {
    throw new RegistryFailure("digest-mismatch", `${doing}: the registry stored ${claimed}, we sent ${digest}`);
  }
}

function path(repository: string, tagOrDigest: string): string {
  return `/v2/${repository}/manifests/${tagOrDigest}`;
}

function nameOf(session: Session, repository: string, tagOrDigest: string): string {
  return JSON.stringify(`${session.address.registry}/${repository}${isDigest(tagOrDigest) ? "@" : ":"}${tagOrDigest}`);
}

function claimedDigest(response: HttpResponse): Digest | undefined {
  const header = response.headers["docker-content-digest"];
  return isDigest(header) ? header : undefined;
}

/**
 * The type in the document counts where there is one, and must then be the header's: bytes that are a manifest to one
 * reader and an index to another have been an attack (CVE-2021-41190).
 */
function mediaTypeOf(response: HttpResponse, bytes: Buffer, doing: string): string {
  const header = response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  const inside = insideType(bytes, doing);
  if (header !== undefined && SCHEMA_1.test(header)) {
    throw new RegistryFailure("bad-response", `${doing}: it is in docker's old schema 1, which has no content digests`, { hint: "Have its owner push it again with a current tool" });
  }
  const known = (Object.values(mediaTypes) as readonly string[]).includes(header ?? "");
  if (inside !== undefined && known && header !== inside) {
    throw new RegistryFailure("bad-response", `${doing}: the registry calls it ${JSON.stringify(header)}, the document itself ${JSON.stringify(inside)}`);
  }
  return inside ?? (known ? header! : mediaTypes.manifest);
}

function insideType(bytes: Buffer, doing: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new RegistryFailure("bad-response", `${doing}: the registry's answer is not JSON`, { cause: error });
  }
  const type = (Object(document) as { readonly mediaType?: unknown }).mediaType;
  return typeof type === "string" && type !== "" ? type : undefined;
}
