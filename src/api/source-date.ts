import { BuildFailure } from "./build-failure.ts";

/** The farthest that a Date reaches, seconds. */
const MOST = 8.64e12;

/** SOURCE_DATE_EPOCH of the build's arguments (reproducible-builds.org), in milliseconds since the epoch; undefined where it is not set. Throws BuildFailure. */
export function sourceDate(buildArgs: Readonly<Record<string, string>>): number | undefined {
  const text = buildArgs["SOURCE_DATE_EPOCH"] ?? "";
  if (text === "") return undefined;
  if (/^[+-]?\d+$/.test(text) && Math.abs(Number(text)) <= MOST) return Number(text) * 1000;
  throw new BuildFailure("bad-epoch", `invalid SOURCE_DATE_EPOCH: ${JSON.stringify(text)} is not a number of seconds`, { hint: "as of git log -1 --format=%ct" });
}
