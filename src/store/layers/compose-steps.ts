import { digestFromHex, type Digest } from "../../oci/digest.ts";
import { pathText } from "../../base/byte-path.ts";
import { StoreFailure } from "../store-error.ts";
import { TarComposer, type ComposedTar } from "./tar-composer.ts";

/**
 * Pieces of a tar in the order of `kinds`, packed so that they cost little to hand to a thread: `b` takes `size` bytes
 * of `bytes`, `c` a content and `r` a stretch to be reused, `size` bytes of a file from `offset` on.
 */
export interface Steps {
  readonly kinds: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sizes: readonly number[];
  /** Of `c` and `r`, in their order: byte strings. */
  readonly files: readonly string[];
  readonly offsets: readonly number[];
  /** Of `c`: what the content's sha256 is to be, and its name for people. */
  readonly digests: readonly (Digest | undefined)[];
  readonly names: readonly string[];
}

export type ComposeAsk = { readonly kind: "start"; readonly target: string } | { readonly kind: "steps"; readonly steps: Steps } | { readonly kind: "finish" } | { readonly kind: "sync" };
/** The digests of those contents of a batch for which none was given, or the tar that was made. */
export type ComposeAnswer = { readonly digests?: readonly Digest[]; readonly composed?: ComposedTar };

/** A tar being composed, on this thread or another. */
export class ComposeWork implements Disposable {
  #composer: TarComposer | undefined;

  answer(ask: ComposeAsk): ComposeAnswer {
    switch (ask.kind) {
      case "start":
        this.#composer = new TarComposer(ask.target);
        return {};
      case "steps":
        return { digests: takeSteps(this.#composer!, ask.steps) };
      case "finish":
        return { composed: this.#composer!.finish() };
      case "sync":
        this.#composer!.sync();
        return {};
    }
  }

  [Symbol.dispose](): void {
    this.#composer?.[Symbol.dispose]();
  }
}

function takeSteps(composer: TarComposer, { kinds, bytes, sizes, files, offsets, digests, names }: Steps): Digest[] {
  const found: Digest[] = [];
  let at = 0;
  let file = 0;
  let content = 0;
  for (let step = 0; step < kinds.length; step += 1) {
    const size = sizes[step]!;
    const kind = kinds[step];
    if (kind === "b") {
      composer.bytes(bytes.subarray(at, at + size));
      at += size;
      continue;
    }
    const name = files[file]!;
    const offset = offsets[file]!;
    if (kind === "r") {
      composer.reuse(name, offset, size);
    } else {
      const digest = digestFromHex(composer.content(name, offset, size).toString("hex"));
      const wanted = digests[content];
      if (wanted === undefined) found.push(digest);
      else if (digest !== wanted) throw new StoreFailure("digest-mismatch", `${JSON.stringify(pathText(names[content]!))} changed while it was read`);
      content += 1;
    }
    file += 1;
  }
  return found;
}
