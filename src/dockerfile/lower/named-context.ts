import { familiarReference, InvalidReference, parseReference } from "../../oci/reference.ts";

/** What `--build-context NAME=…` puts in the place of a stage or image of that name (docker build, Additional build contexts). */
export type NamedContext =
  /** `reference` is what to resolve; `shown` is how the user wrote it. */
  | { readonly kind: "image"; readonly reference: string; readonly shown: string }
  /** The empty tree, as `FROM scratch`. */
  | { readonly kind: "empty" }
  /** A directory, a git repository or a download: files without a config. */
  | { readonly kind: "files" };

export type NamedContexts = ReadonlyMap<string, NamedContext>;

/** The name by which a context is known: as Docker shows an image of that name, without `:latest`. Throws InvalidReference. */
export function contextName(written: string): string {
  return familiarReference(parseReference(written)).replace(/:latest$/, "");
}

/** The context that a FROM, a stage's name or a `--from` means, with its own name; what is no name of an image means none. */
export function namedContext(contexts: NamedContexts, written: string): (NamedContext & { readonly name: string }) | undefined {
  if (contexts.size === 0 || written === "scratch") return undefined;
  try {
    const name = contextName(written);
    const context = contexts.get(name);
    return context === undefined ? undefined : { ...context, name };
  } catch (error) {
    if (error instanceof InvalidReference) return undefined;
    throw error;
  }
}
