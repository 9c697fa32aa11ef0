import { canonicalReference, familiarName, parseReference, type Reference } from "../oci/reference.ts";
import { listTags } from "../registry/tags.ts";
import { Session } from "../registry/session.ts";
import { RequestFailure } from "./api-error.ts";
import type { Laminate } from "./laminate.ts";

export interface AllTagsOptions {
  /** A repository, without a tag. */
  readonly repository: string;
  readonly insecure?: boolean;
}

/** The names of all images that a registry has in a repository. Throws RegistryFailure. */
export async function tagsThere({ env }: Pick<Laminate, "env">, { repository, insecure }: AllTagsOptions, signal: AbortSignal): Promise<readonly string[]> {
  const reference = repositoryOf(repository);
  using session = new Session(reference.registry, { env, insecure });
  const tags = await listTags(session, reference.repository, signal);
  if (tags.length === 0) throw new RequestFailure("no-such-object", `no tag in repository ${familiarName(reference)}`);
  return tags.map((tag) => named(reference, tag));
}

/** The names of all images of the store in a repository. */
export function tagsHere({ store }: Pick<Laminate, "store">, repository: string): readonly string[] {
  const wanted = repositoryOf(repository);
  const names = store.images.list().flatMap(({ names: all }) => all.map(parseReference));
  const tags = names.flatMap(({ registry, repository: path, tag, digest }) => (registry === wanted.registry && path === wanted.repository && tag !== undefined && digest === undefined ? [tag] : []));
  if (tags.length === 0) throw new RequestFailure("no-such-object", `An image does not exist locally with the tag: ${familiarName(wanted)}`);
  return tags.sort().map((tag) => named(wanted, tag));
}

function repositoryOf(text: string): Reference {
  if (/[:@]/.test(text.slice(text.lastIndexOf("/") + 1))) {
    throw new RequestFailure("bad-name", `tag can't be used with --all-tags/-a: ${JSON.stringify(text)}`, { hint: "Give the repository alone" });
  }
  return parseReference(text);
}

function named({ registry, repository }: Reference, tag: string): string {
  return canonicalReference({ registry, repository, tag });
}
