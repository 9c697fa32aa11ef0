import { UsageError } from "./usage-error.ts";

/** `NAME=VALUE`, or `NAME` with the value of our own environment; where that has none, the argument is not given. */
export function buildArguments(written: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = written.flatMap((text) => {
    if (text.includes("=")) return [namedValue("build-arg", text)];
    const value = env[text];
    return value === undefined ? [] : [[text, value] as const];
  });
  return Object.fromEntries(pairs);
}

/** As {@link nameAndValue}, of a flag whose names are not empty. Throws UsageError. */
export function namedValue(flag: string, text: string): readonly [string, string] {
  const pair = nameAndValue(text);
  if (pair[0] === "") throw new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "--${flag}" flag: invalid key-value pair: empty key`);
  return pair;
}

/** `NAME=VALUE` cut in two. */
export function nameAndValue(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}
