import { pathText, type BytePath } from "../../base/byte-path.ts";
import { digestOf } from "../../oci/digest.ts";
import type { FileSource, SourceEntry } from "../value.ts";
import { WrappedSource } from "./wrapped-source.ts";

/** A source as if the contents of some of its files were others: of use for keys alone, as nobody can read those contents. */
export class TouchedSource extends WrappedSource {
  readonly #touched: ReadonlySet<BytePath>;

  /** `touched` are files, or directories with all that is in them. */
  constructor(source: FileSource, touched: readonly BytePath[]) {
    super(source);
    this.#touched = new Set(touched.flatMap((path) => filesIn(source, path)));
  }

  get(path: BytePath): SourceEntry | undefined {
    const found = this.source.get(path);
    return found === undefined ? undefined : this.#changed(found);
  }

  children(path: BytePath): readonly SourceEntry[] {
    return this.source.children(path).map((child) => this.#changed(child));
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
