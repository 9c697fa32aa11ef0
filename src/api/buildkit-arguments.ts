import { isKnownFrontend } from "../dockerfile/parse/directives.ts";
import { BuildFailure } from "./build-failure.ts";

/** Go's strconv.ParseBool; BuildKit takes what is none for false. */
export function isTrue(text: string | undefined): boolean {
  return /^(?:1|t|T|TRUE|true|True)$/.test(text ?? "");
}

/**
 * Of the build arguments that are for BuildKit itself (Dockerfile reference, BuildKit built-in build args) those that
 * ask for what is not done here, in words. Throws BuildFailure for a frontend that cannot be run.
 */
export function unmetArguments(buildArgs: Readonly<Record<string, string>>): readonly string[] {
  const syntax = buildArgs["BUILDKIT_SYNTAX"] ?? "";
  if (syntax !== "" && !isKnownFrontend(syntax)) {
    throw new BuildFailure("bad-frontend", `BUILDKIT_SYNTAX: the frontend ${JSON.stringify(syntax)} cannot be run: only docker/dockerfile is understood`);
  }
  return isTrue(buildArgs["BUILDKIT_MULTI_PLATFORM"]) ? ["BUILDKIT_MULTI_PLATFORM: the image is for one platform, without an index"] : [];
}
