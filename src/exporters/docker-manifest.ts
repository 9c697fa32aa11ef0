import { listOf, membersOf, parseJson, textOf, type Untrusted } from "../oci/image-json.ts";

/** One image of docker's manifest.json: which members of the archive it is made of. */
export interface DockerManifestEntry {
  readonly config: string;
  readonly names: readonly string[];
  /** Lowest first. */
  readonly layers: readonly string[];
}

/** docker's manifest.json. Throws InvalidImage. */
export function parseDockerManifest(given: Untrusted): DockerManifestEntry[] {
  return listOf(parseJson(given), given, "the whole").map((each) => {
    const entry = membersOf(each, given);
    return {
      config: textOf(entry["Config"], given, "Config"),
      names: listOf(entry["RepoTags"] ?? [], given, "RepoTags").map((name) => textOf(name, given, "RepoTags")),
      layers: listOf(entry["Layers"] ?? [], given, "Layers").map((path) => textOf(path, given, "Layers")),
    };
  });
}
