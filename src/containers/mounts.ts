import { isAbsolute, normalize, resolve } from "node:path";
import { ContainerError } from "./container-error.ts";

/** Something of the host, a volume or a tmpfs that the container sees at `target`. */
export type Mount =
  /** `create`: docker's `-v` makes a missing directory, `--mount` does not. */
  | { readonly type: "bind"; readonly source: string; readonly target: string; readonly readOnly: boolean; readonly create: boolean; readonly propagation: string }
  | { readonly type: "volume"; readonly name: string; readonly target: string; readonly readOnly: boolean; readonly noCopy?: true }
  | { readonly type: "tmpfs"; readonly target: string; readonly options: readonly string[] };

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];
/** Options of docker's `-v` that ask for something only other systems or SELinux have. */
const IGNORED = ["z", "Z", "cached", "delegated", "consistent"];

/** Reads docker's `-v`: `SOURCE:TARGET[:OPTIONS]`; a source with a slash is a path of the host, else a volume's name. */
export function parseVolume(text: string, cwd: string): Mount {
  const fail = (why: string): never => {
    throw new ContainerError("bad-option", `invalid argument ${JSON.stringify(text)} for "-v, --volume" flag: ${why}`, { hint: "write it as /HOST/PATH:/CONTAINER/PATH[:ro] or NAME:/CONTAINER/PATH" });
  };
  const parts = text.split(":");
  if (parts.length > 3 || parts.some((part) => part === "")) return fail("invalid volume specification");
  if (parts.length === 1) return { type: "volume", name: "", target: checkTarget(text, fail), readOnly: false };
  const options = (parts[2] ?? "").split(",").filter((word) => word !== "");
  const unknown = options.find((word) => word !== "ro" && word !== "rw" && word !== "nocopy" && !PROPAGATIONS.includes(word) && !IGNORED.includes(word));
  if (unknown !== undefined) return fail(`invalid mode: ${unknown}`);
  const target = checkTarget(parts[1]!, fail);
  const readOnly = options.includes("ro");
  const source = parts[0]!;
  if (/^(\/|\.{1,2}($|\/))/.test(source)) {
    return { type: "bind", source: resolve(cwd, source), target, readOnly, create: true, propagation: options.find((word) => PROPAGATIONS.includes(word)) ?? "rprivate" };
  }
  if (!VOLUME_NAME.test(source)) {
    return fail(`${JSON.stringify(source)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`);
  }
  return { type: "volume", name: source, target, readOnly, ...(options.includes("nocopy") ? { noCopy: true } : {}) };
}

/** Reads docker's `--mount`: `type=bind,source=/HOST,target=/CONTAINER,readonly`. */
export function parseMount(text: string, cwd: string): Mount {
  const fail = (why: string): never => {
    throw new ContainerError("bad-option", `invalid argument ${JSON.stringify(text)} for "--mount" flag: ${why}`);
  };
  const fields = new Map(text.split(",").map((word) => splitField(word)));
  const take = (...names: string[]): string | undefined => {
    const values = names.map((name) => [name, fields.get(name)] as const).filter(([, value]) => value !== undefined);
    names.forEach((name) => fields.delete(name));
    return values[0]?.[1];
  };
  const type = take("type") ?? "volume";
  const source = take("source", "src");
  const target = checkTarget(take("target", "dst", "destination") ?? fail("target is required"), fail);
  const readOnly = isTrue(take("readonly", "ro"));
  const noCopy = isTrue(take("volume-nocopy"));
  const propagation = take("bind-propagation") ?? "rprivate";
  const size = take("tmpfs-size");
  const mode = take("tmpfs-mode");
  take("consistency");
  const left = [...fields.keys()][0];
  if (left !== undefined) return fail(`unknown option ${JSON.stringify(left)}`);
  switch (type) {
    case "bind":
      if (source === undefined) return fail("source is required for a bind mount");
      if (!PROPAGATIONS.includes(propagation)) return fail(`unknown bind-propagation ${JSON.stringify(propagation)}`);
      return { type, source: resolve(cwd, source), target, readOnly, create: false, propagation };
    case "volume":
      if (source !== undefined && !VOLUME_NAME.test(source)) return fail(`${JSON.stringify(source)} is not a volume's name`);
      return { type, name: source ?? "", target, readOnly, ...(noCopy ? { noCopy } : {}) };
    case "tmpfs":
      if (source !== undefined) return fail("a tmpfs has no source");
      return { type, target, options: [...(size === undefined ? [] : [`size=${size}`]), ...(mode === undefined ? [] : [`mode=${mode}`]), ...(readOnly ? ["ro"] : [])] };
    default:
      return fail(`unknown type ${JSON.stringify(type)}, known are bind, volume and tmpfs`);
  }
}

/** Reads docker's `--tmpfs`: `TARGET[:OPTION,…]`. */
export function parseTmpfs(text: string): Mount {
  const colon = text.indexOf(":");
  const target = colon < 0 ? text : text.slice(0, colon);
  const options = colon < 0 ? [] : text.slice(colon + 1).split(",").filter((word) => word !== "");
  const fail = (why: string): never => {
    throw new ContainerError("bad-option", `invalid argument ${JSON.stringify(text)} for "--tmpfs" flag: ${why}`);
  };
  return { type: "tmpfs", target: checkTarget(target, fail), options };
}

function checkTarget(target: string, fail: (why: string) => never): string {
  if (!isAbsolute(target)) return fail(`invalid mount path: '${target}' mount path must be absolute`);
  const clean = normalize(target).replace(/(.)\/+$/, "$1");
  return clean === "/" ? fail("destination can't be '/'") : clean;
}

function splitField(word: string): [string, string] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, "true"] : [word.slice(0, equals), word.slice(equals + 1)];
}

function isTrue(text: string | undefined): boolean {
  return text === "true" || text === "1";
}
