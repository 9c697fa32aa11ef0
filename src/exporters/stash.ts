import { formatOf } from "../archive/decompress.ts";
import { peek } from "../archive/peek.ts";
import { BLOCK } from "../archive/tar-header.ts";
import { reasonOf } from "../base/failure.ts";
import { digestFromHex, type Digest, type DiffId } from "../oci/digest.ts";
import { StoreFailure } from "../store/store-error.ts";
import type { Store } from "../store/store.ts";
import { ArchiveFailure } from "./export-error.ts";
import type { Member } from "./members.ts";

/** What one file of an archive became: a layer, as it is a tar itself, or a blob. */
export type Part = { readonly kind: "layer"; readonly diffId: DiffId } | { readonly kind: "blob"; readonly digest: Digest; readonly size: number };

/** The files of an archive in the store, by their names in the archive. */
export class Stash {
  readonly #parts: ReadonlyMap<string, Part>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(parts: ReadonlyMap<string, Part>, links: ReadonlyMap<string, string>) {
    this.#parts = parts;
    this.#links = links;
  }

  /** A link leads to one file at most: links to links are nothing that a tool writes. */
  get(name: string): Part | undefined {
    return this.#parts.get(name) ?? this.#parts.get(this.#links.get(name) ?? "");
  }
}

/**
 * Puts every file of an archive into the store in one pass, as a layer's tar may come before the manifest that
 * names it. A file below `blobs/sha256` must have the digest that it is called by.
 */
export async function stashMembers(store: Store, members: AsyncIterable<Member>, signal?: AbortSignal): Promise<Stash> {
  const parts = new Map<string, Part>();
  const links = new Map<string, string>();
  for await (const member of members) {
    signal?.throwIfAborted();
    if (member.kind === "link") links.set(member.name, member.target);
    else parts.set(member.name, await stashFile(store, member.name, member.body));
  }
  return new Stash(parts, links);
}

async function stashFile(store: Store, name: string, body: AsyncIterable<Buffer>): Promise<Part> {
  const expected = digestInName(name);
  const { start, all } = await peek(body, BLOCK);
  try {
    if (isTar(start.subarray(0, BLOCK))) {
      return { kind: "layer", diffId: await store.layers.putTar(all, expected as DiffId | undefined) };
    }
    return { kind: "blob", ...(await store.content.ingest(all, expected === undefined ? {} : { digest: expected })) };
  } catch (error) {
    if (error instanceof StoreFailure && (error.code === "disk-full" || error.code === "read-only")) throw error; // nothing is wrong with the archive
    throw new ArchiveFailure(expected === undefined ? "not-an-image" : "wrong-digest", `read "${name}": ${reasonOf(error)}`, { cause: error });
  }
}

function digestInName(name: string): Digest | undefined {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  return hex === undefined ? undefined : digestFromHex(hex);
}

/** Whether a file starts as an uncompressed tar: a header whose checksum is right, or the zeros of an empty one. */
function isTar(start: Buffer): boolean {
  if (start.length < 512 || formatOf(start) !== "plain") return false;
  if (start.every((byte) => byte === 0)) return true;
  const stated = Number.parseInt(start.toString("latin1", 148, 156).replace(/[\0 ]+$/, "").trim(), 8);
  const sum = start.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return stated === sum;
}
