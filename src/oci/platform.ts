/** What an image runs on (image-spec, image-index.md, platform); names are Go's GOOS and GOARCH. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
}

/** `linux/arm64/v8`, as Docker writes a platform. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined && part !== "").join("/");
}

/** Go's name for an architecture of Node's `process.arch`. */
export function goArchitecture(nodeArch: string): string {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" };
  return names[nodeArch] ?? nodeArch;
}
