import { nearest } from "../base/nearest.ts";
import { canonicalReference, familiarName, familiarReference, parseReference, type Reference } from "../oci/reference.ts";
import { RequestFailure } from "./api-error.ts";
import { createdAt, viewImage, type ImageView, type WithStore } from "./image-view.ts";

export interface ImagesOptions {
  /** Only images of this repository, or of this name and tag; `*` and `?` stand for characters but "/". */
  readonly reference?: string;
  /** `KEY=VALUE`: dangling, reference, label, before, since. */
  readonly filters?: readonly string[];
}

/** One name of an image: with its tag, or of a repository that has it under a digest only; a dangling image has one line without. */
export interface ListedImage {
  readonly view: ImageView;
  readonly name?: Reference;
}

const FILTERS = ["dangling", "reference", "label", "before", "since"] as const;
type Filters = Readonly<Record<(typeof FILTERS)[number], readonly string[]>>;

/** The local images, newest first, one line a name. */
export async function images({ store }: WithStore, options: ImagesOptions = {}): Promise<ListedImage[]> {
  const filters = parseFilters(options.filters ?? []);
  const patterns = [...filters.reference, ...(options.reference === undefined ? [] : [options.reference])];
  const views = await Promise.all(store.images.list().map((record) => viewImage(store, record)));
  const when = async (query: string): Promise<number> => createdAt({ config: await store.images.config(store.images.find(query)) });
  const before = await Promise.all(filters.before.map(when));
  const since = await Promise.all(filters.since.map(when));
  return views
    .filter((view) => filters.label.every((label) => hasLabel(view, label)))
    .filter((view) => before.every((time) => createdAt(view) < time) && since.every((time) => createdAt(view) > time))
    .sort((a, b) => createdAt(b) - createdAt(a) || (a.record.id < b.record.id ? -1 : 1))
    .flatMap(linesOf)
    .filter(({ name }) => filters.dangling.every((wanted) => (wanted === "true") === (name?.tag === undefined)))
    .filter(({ name }) => patterns.length === 0 || (name !== undefined && patterns.some((pattern) => matches(name, pattern))));
}

function linesOf(view: ImageView): ListedImage[] {
  const digests = view.record.names.map(parseReference).filter((name) => name.digest !== undefined);
  const untagged = digests.filter((name, index) => ![...view.tags, ...digests.slice(0, index)].some((other) => familiarName(other) === familiarName(name)));
  const names = [...view.tags, ...untagged.map(({ registry, repository, digest }) => ({ registry, repository, digest: digest! }))];
  return names.length === 0 ? [{ view }] : names.map((name) => ({ view, name }));
}

function parseFilters(given: readonly string[]): Filters {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, [] as string[]])) as Record<(typeof FILTERS)[number], string[]>;
  for (const text of given) {
    const [, key = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const known = FILTERS.find((name) => name === key);
    if (known === undefined) {
      const meant = nearest(key, FILTERS);
      throw new RequestFailure("bad-filter", `invalid filter ${JSON.stringify(text)}: expected KEY=VALUE with a KEY of ${FILTERS.join(", ")}`, meant === undefined ? {} : { hint: `did you mean ${meant}=…?` });
    }
    if (known === "reference" && /\[[^\]]*$/.test(value)) {
      throw new RequestFailure("bad-filter", `invalid filter ${JSON.stringify(text)}: syntax error in pattern: "[" has no "]"`);
    }
    if (known === "dangling" && !/^(?:true|false|1|0)$/.test(value)) {
      throw new RequestFailure("bad-filter", `invalid filter ${JSON.stringify(text)}: dangling is true or false`);
    }
    filters[known].push(known === "dangling" ? String(value === "true" || value === "1") : value);
  }
  return filters;
}

function hasLabel({ config }: ImageView, wanted: string): boolean {
  const labels = config.config?.Labels ?? {};
  const equals = wanted.indexOf("=");
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}

/** Docker's reference patterns: Go's path.Match against the name as shown, with and without its tag. */
function matches(name: Reference, pattern: string): boolean {
  if (!/[*?[]/.test(pattern)) {
    const wanted = safeCanonical(pattern);
    return familiarName(name) === pattern || (wanted !== undefined && (wanted === canonicalReference(name) || wanted.replace(/:latest$/, "") === `${name.registry}/${name.repository}` && !/:[^/]*$/.test(pattern)));
  }
  const source = pattern.replace(/\[[^\]]*\]|[*?]|[^]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.length > 1 ? part.replace(/^\[\^/, "[^") : part.replace(/[.+^${}()|\\[\]]/g, "\\$&");
  });
  const expression = new RegExp(`^${source}$`);
  return [familiarName(name), familiarReference(name)].some((text) => expression.test(text));
}

function safeCanonical(text: string): string | undefined {
  try {
    return canonicalReference(parseReference(text));
  } catch {
    return undefined;
  }
}
