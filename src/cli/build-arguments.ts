/** `NAME=VALUE`, or `NAME` with the value of our own environment; where that has none, the argument is not given. */
export function buildArguments(written: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = written.flatMap((text) => {
    if (text.includes("=")) return [nameAndValue(text)];
    const value = env[text];
    return value === undefined ? [] : [[text, value] as const];
  });
  return Object.fromEntries(pairs);
}

/** `NAME=VALUE` cut in two. */
export function nameAndValue(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}
