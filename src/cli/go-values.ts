/** A value in a template: what JSON can hold. */
export type GoValue = unknown;

/** A nil slice and a nil map: `null` in JSON, `[]` and `map[]` as text, empty for `len`, `range` and `if`. */
export const NIL_SLICE = Object.freeze(nil("[]"));
export const NIL_MAP = Object.freeze(nil("map[]"));

function nil(text: string): object {
  return Object.defineProperties({}, { toJSON: { value: () => null }, goText: { value: text } });
}

const KIND = Symbol("a Go map or struct");

/** Marks an object as a map: a key that it lacks is no error but no value. */
export function goMap<T extends object>(value: T): T {
  return Object.defineProperty(value, KIND, { value: "map" });
}

/** Marks an object as a struct, which prints as `{one two}`. Members of `hidden` can be asked for, but are not in its JSON. */
export function goStruct<T extends object>(value: T, hidden: Readonly<Record<string, GoValue>> = {}): T {
  for (const [name, member] of Object.entries(hidden)) {
    if (!Object.hasOwn(value, name)) Object.defineProperty(value, name, { value: member });
  }
  return Object.defineProperty(value, KIND, { value: "struct" });
}

/** Marks an object as a row of a list: docker's type knows all its members, so a name that it lacks is a mistake in its own words. */
export function goRow<T extends object>(value: T): T {
  return Object.defineProperty(value, KIND, { value: "row" });
}

/** What a failure says of a member that is not there. */
export function noSuchField(value: object, name: string): string {
  return KIND in value && value[KIND] === "row" ? `can't evaluate field ${name} in a row` : `map has no entry for key ${JSON.stringify(name)}`;
}

/** Whether a key that is not there gives no value, instead of a failure. */
export function isMap(value: object): boolean {
  return nilText(value) === "map[]" || (KIND in value && value[KIND] === "map");
}

function nilText(value: object): string | undefined {
  return "goText" in value && typeof value.goText === "string" ? value.goText : undefined;
}

/** Go's %v. */
export function show(value: GoValue): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map((item: GoValue) => showInside(item)).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const empty = nilText(value);
  if (empty !== undefined) return empty;
  const members = value as Record<string, GoValue>;
  if (KIND in value && value[KIND] === "struct") return `{${Object.values(members).map(showInside).join(" ")}}`;
  return `map[${Object.keys(members).sort().map((key) => `${key}:${showInside(members[key])}`).join(" ")}]`;
}

function showInside(value: GoValue): string {
  return value === null || value === undefined ? "<nil>" : show(value);
}

/** Whether a value is not its type's zero value, as `if` asks. */
export function isTrue(value: GoValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** JSON as Go's encoder writes it without HTML escapes: the keys of structs keep their order, as ours do. */
export function goJson(value: GoValue, indent = ""): string {
  return JSON.stringify(value ?? null, null, indent);
}

const FUNCTIONS: Readonly<Record<string, (...args: GoValue[]) => GoValue>> = {
  json: (value) => goJson(value),
  len: (value) => {
    if (typeof value === "string") return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (typeof value === "object" && value !== null) return Object.keys(value).length;
    throw new TypeError(`len of ${show(value)}`);
  },
  index: (value, ...keys) => keys.reduce(indexed, value),
  slice: (value, from = 0, to) => sliced(value, Number(from), to === undefined ? undefined : Number(to)),
  print: (...values) => values.map(show).join(values.every((value) => typeof value === "string") ? "" : " "),
  println: (...values) => `${values.map(show).join(" ")}\n`,
  printf: (format, ...values) => formatted(String(format), values),
  not: (value) => !isTrue(value),
  and: (value) => value,
  or: (value) => value,
  eq: (first, ...others) => others.some((other) => comparable(first) === comparable(other)),
  ne: (a, b) => comparable(a) !== comparable(b),
  lt: (a, b) => ordered(a, b) < 0,
  le: (a, b) => ordered(a, b) <= 0,
  gt: (a, b) => ordered(a, b) > 0,
  ge: (a, b) => ordered(a, b) >= 0,
  join: (list, separator) => (isTrue(list) ? (list as GoValue[]).map(show).join(String(separator)) : ""),
  split: (text, separator) => String(text).split(String(separator)),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  title: (text) => String(text).replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  pad: (text, before, after) => (text === "" ? "" : `${" ".repeat(Number(before))}${String(text)}${" ".repeat(Number(after))}`),
  truncate: (text, length) => String(text).slice(0, Number(length)),
  html: (text) => show(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`),
  urlquery: (text) => encodeURIComponent(show(text)).replaceAll("%20", "+"),
  js: (text) => goJson(show(text)).slice(1, -1),
};

export function isFunction(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name);
}

/** Calls one of Go's or Docker's template functions. */
export function callFunction(name: string, args: readonly GoValue[]): GoValue {
  return FUNCTIONS[name]!(...args);
}

function indexed(value: GoValue, key: GoValue): GoValue {
  if (Array.isArray(value) || typeof value === "string") {
    const at = Number(key);
    if (!Number.isInteger(at) || at < 0 || at >= value.length) {
      throw new RangeError(`error calling index: index out of range: ${show(key)}`);
    }
    return typeof value === "string" ? value.charCodeAt(at) : (value[at] as GoValue);
  }
  if (value === null || value === undefined) throw new TypeError("error calling index: index of untyped nil");
  if (typeof value !== "object") throw new TypeError(`error calling index: can't index item of ${show(value)}`);
  if (nilText(value) === "[]") throw new RangeError(`error calling index: index out of range: ${show(key)}`);
  // A key that a map lacks gives the zero value of what it holds: of strings, mostly.
  return Object.hasOwn(value, String(key)) ? (value as Record<string, GoValue>)[String(key)] : "";
}

function sliced(value: GoValue, from: number, to: number | undefined): GoValue {
  if (typeof value !== "string" && !Array.isArray(value)) throw new TypeError(`error calling slice: can't slice ${show(value)}`);
  if (from < 0 || from > value.length || (to ?? 0) > value.length) throw new RangeError("error calling slice: index out of range");
  return value.slice(from, to);
}

function comparable(value: GoValue): GoValue {
  if (typeof value === "object" && value !== null) throw new TypeError("error calling eq: non-comparable type");
  return value;
}

function ordered(a: GoValue, b: GoValue): number {
  if (typeof a !== typeof b || (typeof a !== "number" && typeof a !== "string")) throw new TypeError("error calling lt: incompatible types for comparison");
  return a === b ? 0 : a < (b as typeof a) ? -1 : 1;
}

/** The verbs of fmt.Sprintf that formats use: s v d q t x f, with width, `-`, `0` and precision. */
function formatted(format: string, values: readonly GoValue[]): string {
  let next = 0;
  return format.replace(/%([-0]*)(\d*)(?:\.(\d+))?([svdqtxf%])/g, (_, flags: string, width: string, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const text = verbText(verb, values[next++], precision);
    const wanted = Number(width || 0);
    if (flags.includes("-")) return text.padEnd(wanted);
    return text.padStart(wanted, flags.includes("0") ? "0" : " ");
  });
}

function verbText(verb: string, value: GoValue, precision: string | undefined): string {
  switch (verb) {
    case "q":
      return JSON.stringify(show(value));
    case "x":
      return typeof value === "number" ? value.toString(16) : Buffer.from(show(value)).toString("hex");
    case "f":
      return Number(value).toFixed(Number(precision ?? 6));
    default:
      return precision === undefined || verb === "d" ? show(value) : show(value).slice(0, Number(precision));
  }
}
