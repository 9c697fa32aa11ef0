import { statSync } from "node:fs";
import path from "node:path";
import type { BuildOutput } from "../api/build-outputs.ts";
import { nearest } from "../base/nearest.ts";
import { checkFilePlace } from "./check-file-place.ts";
import type { CommandContext } from "./command.ts";
import { csvFields } from "./csv-fields.ts";
import { UsageError } from "./usage-error.ts";

const TYPES = ["local", "tar", "oci", "docker", "image", "registry", "cacheonly"] as const;
type Type = (typeof TYPES)[number];

/** What each type may say besides; `platform-split` says nothing where there is one platform. */
const ATTRIBUTES: Readonly<Record<Type, readonly string[]>> = {
  local: ["dest", "platform-split"],
  tar: ["dest"],
  oci: ["dest", "tar", "name", "compression", "rewrite-timestamp", "oci-mediatypes"],
  docker: ["dest", "name", "compression", "rewrite-timestamp"],
  image: ["name", "push", "registry.insecure", "rewrite-timestamp", "oci-mediatypes", "compression"],
  registry: ["name", "registry.insecure", "rewrite-timestamp", "oci-mediatypes", "compression"],
  cacheonly: [],
};
const COMPRESSIONS = { uncompressed: "none", gzip: "gzip", zstd: "zstd" } as const;

export interface OutputFlags {
  readonly output: readonly string[];
  readonly push: boolean;
  readonly load: boolean;
  readonly tags: readonly string[];
  readonly iidfile: boolean;
}

/** Reads --output, --push and --load together. Throws UsageError for what cannot be done together. */
export function buildOutputs({ output, push, load, tags, iidfile }: OutputFlags, context: Pick<CommandContext, "cwd" | "stdout">): BuildOutput[] {
  const written = output.map((text) => buildOutput(text, context));
  const image = written.find((one) => one.kind === "image");
  const asked: BuildOutput = { ...(image ?? { kind: "image" }), ...(push ? { push: true } : {}) };
  // --push and --load are for the image that is asked for anyway, where one is.
  const outputs = push || load ? [...written.filter((one) => one !== image), asked] : written;
  if (outputs.some((one) => one.kind === "image" && one.push === true && (one.names ?? tags).length === 0)) {
    throw new UsageError("bad-value", "tag is needed when pushing to registry", { hint: "name the image with -t REGISTRY/NAME:TAG" });
  }
  if (iidfile && outputs.every(({ kind }) => kind === "directory" || kind === "tar" || kind === "nothing")) {
    throw new UsageError("conflict", "local and tar exporters are incompatible with image ID file", { hint: "without an image there is no ID for --iidfile" });
  }
  outputs.forEach(checkPlace);
  if (outputs.filter((one) => "output" in one && one.output === context.stdout).length > 1) {
    throw new UsageError("conflict", "only one output can go to standard output", { hint: "give the others a dest=FILE" });
  }
  return outputs;
}

/** Reads docker's `--output DIRECTORY|-|type=TYPE[,KEY=VALUE…]`. Throws UsageError. */
function buildOutput(text: string, { cwd, stdout }: Pick<CommandContext, "cwd" | "stdout">): BuildOutput {
  const { type, attributes } = readOutput(text);
  const dest = attributes.get("dest");
  const stream = (): string | NodeJS.WriteStream => {
    if (dest !== undefined && dest !== "-") return path.resolve(cwd, dest);
    if (stdout.isTTY) throw bad(text, `dest file is required for ${type} exporter. refusing to write to console`);
    return stdout;
  };
  const names = attributes.has("name") ? { names: attributes.get("name")!.split(",") } : {};
  const compression = COMPRESSIONS[choice(text, attributes, "compression", Object.keys(COMPRESSIONS) as (keyof typeof COMPRESSIONS)[]) ?? (type === "docker" ? "uncompressed" : "gzip")];
  // Media types are OCI's, and what is pushed is gzip: saying so is no mistake.
  choice(text, attributes, "oci-mediatypes", ["true"]);
  if (type === "image" || type === "registry") choice(text, attributes, "compression", ["gzip"]);
  const insecure = isOn(text, attributes, "registry.insecure") === true ? ({ insecure: true } as const) : {};
  const image = { ...names, ...(isOn(text, attributes, "rewrite-timestamp") === true ? ({ rewriteTimes: true } as const) : {}) };
  switch (type) {
    case "local":
      if (dest === undefined || dest === "") throw bad(text, "dest is required for local exporter", "as in type=local,dest=out");
      return { kind: "directory", directory: path.resolve(cwd, dest) };
    case "tar":
      return { kind: "tar", output: stream() };
    case "oci":
      if (isOn(text, attributes, "tar") !== false) return { kind: "archive", format: "oci-archive", output: stream(), compression, ...image };
      if (dest === undefined || dest === "-") throw bad(text, "dest is required for a directory: type=oci,tar=false,dest=DIRECTORY");
      return { kind: "archive", format: "oci-dir", output: path.resolve(cwd, dest), compression, ...image };
    case "docker":
      return dest === undefined ? { kind: "image", ...image } : { kind: "archive", format: "docker-archive", output: stream(), compression, ...image };
    case "image":
      return { kind: "image", ...image, ...insecure, ...(isOn(text, attributes, "push") === true ? { push: true } : {}) };
    case "registry":
      return { kind: "image", push: true, ...image, ...insecure };
    case "cacheonly":
      return { kind: "nothing" };
  }
}

/** Before anything is built. */
function checkPlace(output: BuildOutput): void {
  if (output.kind === "directory" && statSync(output.directory, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new UsageError("bad-value", `destination directory ${JSON.stringify(output.directory)} is a file`);
  }
  if (!("output" in output) || typeof output.output !== "string" || (output.kind === "archive" && output.format === "oci-dir")) return;
  checkFilePlace(output.output, { cwd: "/", what: "--output" });
}

/** A word alone is a directory, or standard output. */
function readOutput(text: string): { readonly type: Type; readonly attributes: ReadonlyMap<string, string> } {
  const fields = csvFields(text);
  if (fields.length === 1 && fields[0] === text && !text.startsWith("type=")) {
    return text === "-" ? { type: "tar", attributes: new Map([["dest", "-"]]) } : { type: "local", attributes: new Map([["dest", text]]) };
  }
  const attributes = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf("=");
    if (equals < 0) throw bad(text, `invalid value ${field}`, "each of its fields is key=value");
    attributes.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  const type = TYPES.find((one) => one === attributes.get("type"));
  if (type === undefined) {
    const written = attributes.get("type");
    const near = written === undefined ? undefined : nearest(written, TYPES);
    throw bad(text, written === undefined ? "type is required for output" : `exporter ${JSON.stringify(written)} could not be found`, near === undefined ? `there are ${TYPES.join(", ")}` : `did you mean type=${near}?`);
  }
  attributes.delete("type");
  for (const key of attributes.keys()) {
    if (ATTRIBUTES[type].includes(key)) continue;
    const near = nearest(key, ATTRIBUTES[type]);
    const has = ATTRIBUTES[type].length === 0 ? `type=${type} takes nothing more` : `type=${type} takes ${ATTRIBUTES[type].join(", ")}`;
    throw bad(text, `${key} is not supported for type=${type}`, near === undefined ? has : `did you mean ${near}?`);
  }
  return { type, attributes };
}

function isOn(text: string, attributes: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const written = choice(text, attributes, key, ["true", "false", "1", "0"]);
  return written === undefined ? undefined : written === "true" || written === "1";
}

function choice<T extends string>(text: string, attributes: ReadonlyMap<string, string>, key: string, choices: readonly T[]): T | undefined {
  const written = attributes.get(key);
  const found = choices.find((one) => one === written);
  if (found === undefined && written !== undefined) throw bad(text, `${key} is one of ${choices.join(", ")}, not ${JSON.stringify(written)}`);
  return found;
}

function bad(text: string, why: string, hint?: string): UsageError {
  return new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "--output" flag: ${why}`, hint === undefined ? {} : { hint });
}
