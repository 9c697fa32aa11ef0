import { UsageError } from "./usage-error.ts";

/** Reads `[manifest:]NAME=VALUE` of --annotation. Throws UsageError for what is not about a manifest: there is no index, and descriptors are written when an image leaves. */
export function annotation(text: string): readonly [string, string] {
  const [, level, rest = text] = /^((?:index|manifest|manifest-descriptor|index-descriptor)(?:\[[^\]]*\])?(?:,[a-z-]+)*):(.*)$/s.exec(text) ?? [];
  if (level !== undefined && level !== "manifest") {
    throw new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "--annotation" flag: only manifests have annotations, not ${level}`, { hint: "as in org.opencontainers.image.title=app" });
  }
  const equals = rest.indexOf("=");
  if (equals < 1) throw new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "--annotation" flag: expected NAME=VALUE`);
  return [rest.slice(0, equals), rest.slice(equals + 1)];
}
