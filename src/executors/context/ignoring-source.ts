import { pathText, type BytePath } from "../../base/byte-path.ts";
import type { IgnoreRules } from "../../dockerfile/ignore.ts";
import type { FileSource, SignedSource, SourceEntry } from "../value.ts";
import { WrappedSource } from "./wrapped-source.ts";

/** A build context without what its ignore file leaves out. */
export class IgnoringSource extends WrappedSource {
  readonly #rules: IgnoreRules;
  readonly #included = new Map<BytePath, boolean>();

  constructor(source: FileSource, rules: IgnoreRules) {
    super(source);
    this.#rules = rules;
  }

  get(at: BytePath): SourceEntry | undefined {
    const found = this.source.get(at);
    return found !== undefined && this.#visible(found) ? found : undefined;
  }

  children(at: BytePath): readonly SourceEntry[] {
    if (this.#hides(at) && !this.#rules.mayContainIncluded(pathText(at))) {
      return [];
    }
    return this.source.children(at).filter((child) => this.#visible(child));
  }

  override hiddenBecause(at: BytePath): string | undefined {
    if (!this.#hides(at) || this.source.get(at) === undefined) {
      return undefined;
    }
    return `excluded by ${this.#rules.explain(pathText(at)) ?? "the ignore file"}`;
  }

  override get signed(): SignedSource | undefined {
    const signed = this.source.signed;
    if (signed === undefined) return undefined;
    return {
      place: signed.place,
      sign: (at, signature, sees) => signed.sign(at, signature, (path, directory) => this.#shows(path, directory) && sees?.(path, directory) !== false),
      vouches: (files) => signed.vouches(files),
    };
  }

  /** A directory that is itself ignored is still there when a `!` rule lets something below it back in. */
  #visible({ entry }: SourceEntry): boolean {
    return this.#shows(entry.path, entry.type === "directory");
  }

  #shows(at: BytePath, directory: boolean): boolean {
    return !this.#hides(at) || (directory && this.#rules.mayContainIncluded(pathText(at)) && this.#holdsIncluded(at));
  }

  #holdsIncluded(at: BytePath): boolean {
    const known = this.#included.get(at) ?? this.children(at).length > 0;
    this.#included.set(at, known);
    return known;
  }

  #hides(at: BytePath): boolean {
    return at !== "" && this.#rules.ignores(pathText(at));
  }
}
