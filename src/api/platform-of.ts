import { parsePlatform, type Platform } from "../oci/platform.ts";
import { BuildFailure } from "./build-failure.ts";

/** What `--platform` of a build says; `local` is this machine's. Throws BuildFailure. */
export function platformOf(text: string, machine: Platform): Platform {
  if (text === "local") return machine;
  const platform = parsePlatform(text);
  if (platform !== undefined) return platform;
  const several = text.includes(",");
  throw new BuildFailure("bad-platform", several ? `--platform: ${JSON.stringify(text)}: an image for several platforms is not built yet` : `--platform: ${JSON.stringify(text)} is not a platform`, {
    hint: several ? "build for one at a time" : "as in linux/amd64, linux/arm64 or linux/arm/v7",
  });
}
