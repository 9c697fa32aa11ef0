import { nearest } from "../base/nearest.ts";
import { RequestFailure } from "./api-error.ts";
import { CACHE_TYPES, type CachePart } from "./cache-parts.ts";
import { timeOf } from "./prune-filters.ts";

/** Whether a prune may take a part of the cache; with the filter that says no. */
export interface CacheFilter {
  /** As it was given. */
  readonly text: string;
  readonly takes: (part: CachePart) => boolean;
}

/** BuildKit's words for what we have nothing of. */
const OTHER_TYPES = ["internal", "frontend", "source.local", "source.git.checkout"];
const KEYS = ["until", "unused-for", "id", "type", "description", "inuse", "shared", "private", "mutable", "immutable"];

/** Reads `--filter` of `builder prune`: KEY=VALUE, KEY!=VALUE, KEY~=EXPRESSION or KEY alone (docker buildx prune, Provide filter values). Throws RequestFailure. */
export function parseCacheFilters(filters: readonly string[], now: number): CacheFilter[] {
  return filters.map((text) => ({ text, takes: selectorOf(text, now) }));
}

function selectorOf(text: string, now: number): CacheFilter["takes"] {
  const [, key = "", operator = "", value = ""] = /^([^=!~]*)(!=|~=|==?|)(.*)$/s.exec(text)!;
  if (operator === "" && value !== "") throw new RequestFailure("bad-filter", `invalid filter '${text}'`, { hint: "KEY=VALUE, KEY!=VALUE, KEY~=EXPRESSION or KEY alone" });
  const compared = comparison(text, operator, value);
  switch (key) {
    case "until":
    case "unused-for": {
      if (operator !== "=" && operator !== "==") throw new RequestFailure("bad-filter", `filter ${text}: ${key} is given as ${key}=24h`);
      const before = timeOf(value, now);
      return ({ used }) => used < before;
    }
    case "id":
      // People write the beginning of an ID, as it is shown.
      return ({ id }) => (operator === "=" || operator === "==" ? id === value || id.replace(/^sha256:/, "").startsWith(value.replace(/^sha256:/, "")) : compared(id));
    case "type":
      if (operator !== "~=" && operator !== "") checkType(value);
      return ({ type }) => compared(type);
    case "description":
      return ({ description }) => compared(description);
    case "inuse":
      return truth(text, operator, value, ({ inUse }) => inUse);
    case "shared":
      return truth(text, operator, value, ({ shared }) => shared);
    case "private":
      return truth(text, operator, value, ({ shared }) => !shared);
    case "mutable":
      return truth(text, operator, value, ({ type }) => type === "exec.cachemount");
    case "immutable":
      return truth(text, operator, value, ({ type }) => type !== "exec.cachemount");
    case "parents":
      throw new RequestFailure("bad-filter", "filter parents: a part of the cache is named by its content here, and has no parents", { hint: "choose by id, type or description" });
    default:
      throw new RequestFailure("bad-filter", `invalid filter '${key}'`, hint(key, KEYS, "these can be given:"));
  }
}

/** A key alone asks whether there is a value. */
function comparison(text: string, operator: string, value: string): (own: string) => boolean {
  if (operator === "~=") {
    const expression = expressionOf(text, value);
    return (own) => expression.test(own);
  }
  return operator === "!=" || operator === "" ? (own) => own !== value : (own) => own === value;
}

function expressionOf(text: string, value: string): RegExp {
  try {
    return new RegExp(value, "s");
  } catch (cause) {
    throw new RequestFailure("bad-filter", `filter ${text}: ${JSON.stringify(value)} is no regular expression`, { cause });
  }
}

/** `inuse`, `inuse=true`, `inuse=0`. */
function truth(text: string, operator: string, value: string, of: CacheFilter["takes"]): CacheFilter["takes"] {
  if (operator === "" || /^(true|1)$/i.test(value)) return operator === "!=" ? (part) => !of(part) : of;
  if (/^(false|0)$/i.test(value)) return operator === "!=" ? of : (part) => !of(part);
  throw new RequestFailure("bad-filter", `filter ${text}: ${JSON.stringify(value)} is neither true nor false`);
}

function checkType(text: string): void {
  if ([...CACHE_TYPES, ...OTHER_TYPES].includes(text)) return;
  throw new RequestFailure("bad-filter", `filter type: there is no build cache of the type ${JSON.stringify(text)}`, hint(text, CACHE_TYPES, "there are"));
}

function hint(word: string, known: readonly string[], these: string): { readonly hint: string } {
  const near = nearest(word, known);
  return { hint: near === undefined ? `${these} ${known.join(", ")}` : `did you mean ${near}?` };
}
