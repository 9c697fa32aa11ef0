import type { BytePath } from "../../base/byte-path.ts";
import { bytePath } from "../../base/byte-path.ts";
import type { InlineFile } from "../../graph/operation.ts";
import { digestOf, type Digest } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import type { Located } from "../../store/layers/located.ts";
import type { FileSource, SourceEntry } from "../value.ts";

/** A file of which every byte is at hand: a here-document, or something downloaded. */
export interface LooseFile {
  readonly entry: Entry;
  readonly digest: Digest;
  readonly located?: Located;
  read(): AsyncIterable<Buffer>;
}

const ROOT: SourceEntry = { entry: { path: bytePath(""), type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }, implied: true };

/** Single files without a directory, as a source of a COPY. */
export class LooseSource implements FileSource {
  readonly name: string;
  readonly #files: ReadonlyMap<BytePath, LooseFile>;

  constructor(name: string, files: readonly LooseFile[]) {
    this.name = name;
    this.#files = new Map(files.map((file) => [file.entry.path, file]));
  }

  get(path: BytePath): SourceEntry | undefined {
    if (path === "") return ROOT;
    const file = this.#files.get(path);
    return file === undefined ? undefined : { entry: file.entry };
  }

  children(path: BytePath): readonly SourceEntry[] {
    return path === "" ? [...this.#files.values()].map(({ entry }) => ({ entry })) : [];
  }

  async digests(entries: readonly Entry[]): Promise<readonly Digest[]> {
    return entries.map(({ path }) => this.#files.get(path)!.digest);
  }

  async locate(entries: readonly Entry[]): Promise<readonly (Located | undefined)[]> {
    return entries.map(({ path }) => this.#files.get(path)!.located);
  }

  read(entry: Entry): AsyncIterable<Buffer> {
    return this.#files.get(entry.path)!.read();
  }

  hiddenBecause(): undefined {
    return undefined;
  }
}

/** A here-document of a COPY or ADD: mode 0644, its time that of the build (Dockerfile reference, Here-Documents). */
export function inlineFile({ name, content }: InlineFile, now: bigint): LooseFile {
  const bytes = Buffer.from(content, "utf8");
  return {
    entry: { path: bytePath(name), type: "file", mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime: now },
    digest: digestOf(bytes),
    async *read() {
      if (bytes.length > 0) {
        yield bytes;
      }
    },
  };
}
