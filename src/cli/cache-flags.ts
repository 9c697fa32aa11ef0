import path from "node:path";
import type { CacheTo } from "../api/cache-exports.ts";
import type { CacheFrom } from "../api/cache-imports.ts";
import { nearest } from "../base/nearest.ts";
import { isDigest } from "../oci/digest.ts";
import { parseReference } from "../oci/reference.ts";
import { csvFields } from "./csv-fields.ts";
import { UsageError } from "./usage-error.ts";

type Flag = "--cache-from" | "--cache-to";

const TYPES = ["registry", "local", "inline"] as const;
type Type = (typeof TYPES)[number];
/** Of buildx, and not here. */
const ELSEWHERE = ["gha", "s3", "azblob"];

/** What each may say. Media types and shape are OCI's and an image's, compression is gzip: to say so is no mistake. */
const ATTRIBUTES: Readonly<Record<Flag, Readonly<Record<Type, readonly string[]>>>> = {
  "--cache-from": { registry: ["ref", "registry.insecure"], local: ["src", "tag", "digest"], inline: [] },
  "--cache-to": {
    registry: ["ref", "mode", "ignore-error", "registry.insecure", "oci-mediatypes", "image-manifest", "compression"],
    local: ["dest", "tag", "mode", "ignore-error", "oci-mediatypes", "image-manifest", "compression"],
    inline: ["mode"],
  },
};
const FIXED: Readonly<Record<string, string>> = { "oci-mediatypes": "true", "image-manifest": "true", compression: "gzip" };

/** Reads docker's `--cache-from REF|type=TYPE[,KEY=VALUE…]`. Throws UsageError. */
export function cacheFrom(text: string, cwd: string): CacheFrom {
  const { type, attributes } = read("--cache-from", text);
  switch (type) {
    case "registry":
      return { kind: "registry", reference: reference("--cache-from", text, attributes), ...insecure("--cache-from", text, attributes) };
    case "local": {
      const [tag, digest] = [attributes.get("tag"), attributes.get("digest")];
      if (digest !== undefined && !isDigest(digest)) throw bad("--cache-from", text, `${JSON.stringify(digest)} is no digest`, "it is sha256: and 64 hex digits");
      return { kind: "local", directory: place("--cache-from", text, attributes, "src", cwd), ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
    }
    case "inline":
      throw bad("--cache-from", text, "an inline cache is in an image", "name that: type=registry,ref=IMAGE");
  }
}

/** Reads docker's `--cache-to REF|type=TYPE[,KEY=VALUE…]`. Throws UsageError. */
export function cacheTo(text: string, cwd: string): CacheTo {
  const { type, attributes } = read("--cache-to", text);
  const max = choice("--cache-to", text, attributes, "mode", ["min", "max"]) === "max";
  const ignoreError = isOn("--cache-to", text, attributes, "ignore-error");
  for (const [key, only] of Object.entries(FIXED)) choice("--cache-to", text, attributes, key, [only]);
  switch (type) {
    case "registry":
      return { kind: "registry", reference: reference("--cache-to", text, attributes), max, ignoreError, ...insecure("--cache-to", text, attributes) };
    case "local":
      return { kind: "local", directory: place("--cache-to", text, attributes, "dest", cwd), tag: attributes.get("tag") ?? "latest", max, ignoreError };
    case "inline":
      if (max) throw bad("--cache-to", text, "mode=max is not supported for type=inline", "the image has its own steps only");
      return { kind: "inline" };
  }
}

type Attributes = ReadonlyMap<string, string>;

/** A word alone is a name in a registry. */
function read(flag: Flag, text: string): { readonly type: Type; readonly attributes: Attributes } {
  const fields = csvFields(text);
  if (fields.every((field) => !field.includes("="))) {
    if (fields.length > 1) throw bad(flag, text, "it names more than one cache", `give ${flag} once for each`);
    return { type: "registry", attributes: new Map([["ref", text]]) };
  }
  const attributes = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf("=");
    if (equals < 0) throw bad(flag, text, `invalid value ${field}`, "each of its fields is key=value");
    attributes.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  const written = attributes.get("type");
  const type = TYPES.find((one) => one === written);
  if (type === undefined) throw unknownType(flag, text, written);
  attributes.delete("type");
  for (const key of attributes.keys()) {
    const known = ATTRIBUTES[flag][type];
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    throw bad(flag, text, `${key} is not supported for type=${type}`, near === undefined ? `type=${type} takes ${known.length === 0 ? "nothing more" : known.join(", ")}` : `did you mean ${near}?`);
  }
  return { type, attributes };
}

function unknownType(flag: Flag, text: string, written: string | undefined): UsageError {
  if (written === undefined) return bad(flag, text, "type is required", `there are ${TYPES.join(", ")}`);
  if (ELSEWHERE.includes(written)) return bad(flag, text, `type=${written} is not there yet`, `there are ${TYPES.join(", ")}`);
  const near = nearest(written, TYPES);
  return bad(flag, text, `unknown cache type ${JSON.stringify(written)}`, near === undefined ? `there are ${TYPES.join(", ")}` : `did you mean type=${near}?`);
}

function reference(flag: Flag, text: string, attributes: Attributes): string {
  const written = attributes.get("ref");
  if (written === undefined || written === "") throw bad(flag, text, "ref is required for type=registry", "as in type=registry,ref=registry.example/app:cache");
  parseReference(written);
  return written;
}

function place(flag: Flag, text: string, attributes: Attributes, key: string, cwd: string): string {
  const written = attributes.get(key);
  if (written === undefined || written === "") throw bad(flag, text, `${key} is required for type=local`, `as in type=local,${key}=DIRECTORY`);
  return path.resolve(cwd, written);
}

function insecure(flag: Flag, text: string, attributes: Attributes): { readonly insecure?: true } {
  return isOn(flag, text, attributes, "registry.insecure") ? { insecure: true } : {};
}

function isOn(flag: Flag, text: string, attributes: Attributes, key: string): boolean {
  return ["true", "1"].includes(choice(flag, text, attributes, key, ["true", "false", "1", "0"]) ?? "false");
}

function choice(flag: Flag, text: string, attributes: Attributes, key: string, values: readonly string[]): string | undefined {
  const written = attributes.get(key);
  if (written !== undefined && !values.includes(written)) throw bad(flag, text, `${key} is ${JSON.stringify(written)}`, `it can be ${values.join(" or ")}`);
  return written;
}

function bad(flag: Flag, text: string, why: string, hint: string): UsageError {
  return new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "${flag}" flag: ${why}`, { hint });
}
