import type { DiffId } from "../oci/digest.ts";

/** The layer that a step gave; with the record by which a like step finds it, where it is new. */
export interface MadeLayer {
  readonly diffId: DiffId;
  readonly record?: { readonly table: string; readonly key: string };
}
