/** A value that JSON can hold exactly; numbers must be finite. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Writes a value as JSON with object keys in code-unit order and no spaces, so that equal values give equal bytes.
 * Members that are `undefined` are left out, as in JSON.stringify. Used for cache keys and stored configs.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== "object") {
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new Error(`Internal error: canonical JSON cannot hold ${value}`);
    }
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  }
  const members = value as { readonly [key: string]: Json | undefined };
  const parts = Object.keys(members)
    .filter((key) => members[key] !== undefined)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(members[key] as Json)}`);
  return `{${parts.join(",")}}`;
}
