import { isDigest, type Digest } from "./digest.ts";
import { Failure } from "../base/failure.ts";

/** A name of an image: `registry/repository:tag@digest`, with Docker's defaults filled in (distribution/reference). */
export interface Reference {
  /** Host, with port where given: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Lowercase path below the registry: `library/debian`. */
  readonly repository: string;
  /** Present unless only a digest was given. */
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A reference that does not follow the grammar of distribution/reference. */
export class InvalidReference extends Failure {
  readonly code = "invalid-reference" as const;
}

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;

/**
 * Reads an image name as Docker does: a first component with a dot, a colon or the name `localhost` is a registry;
 * else the registry is docker.io, and a name of one component there is below `library/`. Without tag and digest the
 * tag is `latest`. Throws {@link InvalidReference}.
 */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new InvalidReference(`invalid reference ${JSON.stringify(text)}: ${why}`);
  };
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    return fail(`expected sha256: and 64 hex digits after "@"`);
  }
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  if (tag === "") {
    return fail('there is no tag after ":"');
  }
  if (tag !== undefined && !TAG.test(tag)) {
    return fail(`the tag ${JSON.stringify(tag)} may hold up to 128 letters, digits, "_", "." and "-", not starting with "." or "-"`);
  }
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasRegistry = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = hasRegistry ? first : "docker.io";
  const path = hasRegistry ? name.slice(slash + 1) : name;
  if (hasRegistry && !HOST.test(registry)) {
    return fail(`${JSON.stringify(registry)} is not a host name`);
  }
  if (path.toLowerCase() !== path) {
    return fail("the repository name must be lowercase");
  }
  if (!REPOSITORY.test(path)) {
    return fail(`${JSON.stringify(path)} is not a repository name (letters and digits, separated by ".", "_", "-" and "/")`);
  }
  const onHub = registry === "docker.io" || registry === "index.docker.io";
  const repository = onHub && !path.includes("/") ? `library/${path}` : path;
  const finalTag = tag ?? (digest === undefined ? "latest" : undefined);
  return {
    registry: onHub ? "docker.io" : registry,
    repository,
    ...(finalTag === undefined ? {} : { tag: finalTag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The full form, with registry: `docker.io/library/debian:bookworm`. The key of a reference in the store. */
export function canonicalReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** The canonical name of what a repository has under a digest: `docker.io/library/debian@sha256:…`. */
export function repositoryDigest({ registry, repository }: Reference, digest: Digest): string {
  return canonicalReference({ registry, repository, digest });
}

/** The repository as Docker shows it: `debian`, `me/app`, `localhost:5000/me/app`. */
export function familiarName(reference: Reference): string {
  if (reference.registry !== "docker.io") {
    return `${reference.registry}/${reference.repository}`;
  }
  return reference.repository.replace(/^library\//, "");
}

/** The short form that Docker shows: `debian:bookworm`. */
export function familiarReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${familiarName(reference)}${tag}${digest}`;
}
