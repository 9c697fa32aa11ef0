import type { Description } from "../api/inspect.ts";
import { goMap, goStruct, NIL_MAP, NIL_SLICE, type GoValue } from "./go-values.ts";

/** Members that are maps in docker's types, and those that are pointers; any other `null` is a nil slice. */
const MAPS = new Set(["ExposedPorts", "Labels", "Volumes", "Ports", "Annotations"]);
const POINTERS = new Set(["Healthcheck", "Health", "PidsLimit"]);
/** What docker's type of an image's config has, and its JSON leaves away when it is empty. */
const CONFIG = { StopSignal: "", Healthcheck: null, Shell: NIL_SLICE };

/** What `inspect` found, as a template sees it: JSON alone does not tell maps, structs and the kinds of nil apart. */
export function templateValue({ kind, value }: Description): GoValue {
  return typed(value, kind === "image" ? { Config: CONFIG } : {});
}

function typed(value: object, hidden: Readonly<Record<string, Readonly<Record<string, GoValue>>>>, own: Readonly<Record<string, GoValue>> = {}): object {
  const members = Object.entries(value).map(([name, member]): [string, GoValue] => [name, typedMember(name, member, hidden)]);
  return goStruct(Object.fromEntries(members), own);
}

function typedMember(name: string, member: GoValue, hidden: Readonly<Record<string, Readonly<Record<string, GoValue>>>>): GoValue {
  if (member === null) return MAPS.has(name) ? NIL_MAP : POINTERS.has(name) ? null : NIL_SLICE;
  if (Array.isArray(member)) return member.map((item: GoValue) => (typeof item === "object" && item !== null ? typedMember("", item, {}) : item));
  if (typeof member !== "object") return member;
  if (!MAPS.has(name)) return typed(member, {}, hidden[name]);
  return goMap(Object.fromEntries(Object.entries(member as object).map(([key, item]): [string, GoValue] => [key, typedMember("", item, {})])));
}
