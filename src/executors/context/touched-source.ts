import { pathText, type BytePath } from "../../base/byte-path.ts";
import { digestOf, type Digest } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import type { Located } from "../../store/layers/located.ts";
import type { FileSource, SourceEntry } from "../value.ts";

/** A source as if the contents of some of its files were others: of use for keys alone, as nobody can read those contents. */
export class TouchedSource implements FileSource {
  readonly name: string;
  /** No signature knows of what is only supposed. */
  readonly signed = undefined;
  readonly #source: FileSource;
  readonly #touched: ReadonlySet<BytePath>;

  /** `touched` are files, or directories with all that is in them. */
  constructor(source: FileSource, touched: readonly BytePath[]) {
    this.name = source.name;
    this.#source = source;
    this.#touched = new Set(touched.flatMap((path) => filesIn(source, path)));
  }

  get(path: BytePath): SourceEntry | undefined {
    const found = this.#source.get(path);
    return found === undefined ? undefined : this.#changed(found);
  }

  children(path: BytePath): readonly SourceEntry[] {
    return this.#source.children(path).map((child) => this.#changed(child));
  }

  digests(entries: readonly Entry[]): Promise<readonly Digest[]> {
    return this.#source.digests(entries);
  }

  locate(entries: readonly Entry[]): Promise<readonly (Located | undefined)[]> {
    return this.#source.locate(entries);
  }

  read(entry: Entry): AsyncIterable<Buffer> {
    return this.#source.read(entry);
  }

  hiddenBecause(path: BytePath): string | undefined {
    return this.#source.hiddenBecause(path);
  }

  #changed(found: SourceEntry): SourceEntry {
    const { entry } = found;
    return this.#touched.has(entry.path) ? { ...found, entry: { ...entry, digest: digestOf(`another content of ${pathText(entry.path)}`) } } : found;
  }
}

function filesIn(source: FileSource, path: BytePath): BytePath[] {
  const found = source.get(path)?.entry;
  if (found?.type !== "directory") return found?.type === "file" ? [path] : [];
  return source.children(path).flatMap(({ entry }) => filesIn(source, entry.path));
}
