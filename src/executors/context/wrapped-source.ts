import type { BytePath } from "../../base/byte-path.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import type { Located } from "../../store/layers/located.ts";
import type { FileSource, SignedSource, SourceEntry } from "../value.ts";

/** A source that shows another one differently; what a subclass does not say is as in the other. It is signed only where the subclass says so, as a signature of the other knows nothing of the difference. */
export abstract class WrappedSource implements FileSource {
  readonly name: string;
  protected readonly source: FileSource;

  constructor(source: FileSource) {
    this.name = source.name;
    this.source = source;
  }

  abstract get(path: BytePath): SourceEntry | undefined;

  abstract children(path: BytePath): readonly SourceEntry[];

  get signed(): SignedSource | undefined {
    return undefined;
  }

  hiddenBecause(path: BytePath): string | undefined {
    return this.source.hiddenBecause(path);
  }

  digests(entries: readonly Entry[]): Promise<readonly Digest[]> {
    return this.source.digests(entries);
  }

  locate(entries: readonly Entry[]): Promise<readonly (Located | undefined)[]> {
    return this.source.locate(entries);
  }

  read(entry: Entry): AsyncIterable<Buffer> {
    return this.source.read(entry);
  }
}
