/** What an image runs on (image-spec, image-index.md, platform); names are Go's GOOS and GOARCH. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
}

/** `linux/arm64/v8`, as Docker writes a platform. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined && part !== "")
    .join("/");
}

/** Go's name for an architecture of Node's `process.arch`. */
export function goArchitecture(nodeArch: string): string {
  const names: Readonly<Record<string, string>> = {
    x64: "amd64",
    ia32: "386",
    arm64: "arm64",
    arm: "arm",
  };
  return names[nodeArch] ?? nodeArch;
}

const ARCHITECTURES: Readonly<Record<string, readonly [string, string?]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  i386: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};
const KNOWN_ARCHITECTURES = new Set([
  "amd64",
  "386",
  "arm64",
  "arm",
  "ppc64le",
  "s390x",
  "riscv64",
  "mips64le",
  "mips64",
  "loong64",
  "ppc64",
  "wasm",
]);

/** Reads `os/architecture/variant`, `os/architecture`, or an architecture alone (then the system is linux), in containerd's normal form; undefined when it is none. */
export function parsePlatform(text: string): Platform | undefined {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    return undefined;
  }
  const [os, name, given] =
    parts.length === 1 ? ["linux", parts[0]!] : [parts[0]!, parts[1]!, parts[2]];
  const [architecture, implied] = (Object.hasOwn(ARCHITECTURES, name) && ARCHITECTURES[name]) || [
    name,
  ];
  if (!KNOWN_ARCHITECTURES.has(architecture)) {
    return undefined;
  }
  const variant = normalVariant(architecture, given ?? implied);
  return {
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
  };
}

/** arm64 is v8 and amd64 is v1 without saying so; arm alone is v7 (containerd's platforms.Normalize). */
function normalVariant(architecture: string, variant: string | undefined): string | undefined {
  const named = variant !== undefined && /^\d+$/.test(variant) ? `v${variant}` : variant;
  if (
    (architecture === "arm64" && named === "v8") ||
    (architecture === "amd64" && named === "v1")
  ) {
    return undefined;
  }
  return architecture === "arm" && named === undefined ? "v7" : named;
}
