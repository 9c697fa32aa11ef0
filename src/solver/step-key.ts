import { canonicalJson, type Json } from "../base/canonical-json.ts";
import { digestOf } from "../oci/digest.ts";
import type { CacheKey, StepKey } from "./backend.ts";

/** Hashes a step's ingredients to its key. `kind` and `version` name the rule: a changed rule is a changed version. */
export function stepKey(kind: string, version: number, ingredients: { readonly [name: string]: Json }, files?: StepKey["files"]): StepKey {
  const key = digestOf(canonicalJson({ kind, version, ...ingredients })) as CacheKey;
  return { key, ingredients, ...(files === undefined ? {} : { files }) };
}
