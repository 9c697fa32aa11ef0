/** Whether a value that anyone may have written is of a type. */
export type Shape<T> = (value: unknown) => value is T;

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** A number that can be counted with. */
export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Such as no size or number of things is below. A duration may be, where the clock was set back. */
export function isCount(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf<T>(is: Shape<T>): Shape<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(is);
}

/** An object in which each of these members is as it is to be; others count for nothing. */
export function objectOf<T>(members: { readonly [name in keyof T]-?: (value: unknown) => boolean }): Shape<T> {
  const shapes = Object.entries(members) as [string, (value: unknown) => boolean][];
  return (value): value is T => isObject(value) && shapes.every(([name, is]) => is(value[name]));
}

/** A member that may be missing. */
export function optional<T>(is: Shape<T>): Shape<T | undefined> {
  return (value): value is T | undefined => value === undefined || is(value);
}

/** A member that may be null. */
export function nullable<T>(is: Shape<T>): Shape<T | null> {
  return (value): value is T | null => value === null || is(value);
}

/** One of some words. */
export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return (value): value is T => words.some((word) => word === value);
}
