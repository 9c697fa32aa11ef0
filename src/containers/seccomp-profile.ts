import { ContainerError } from "./container-error.ts";

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

interface Rule {
  readonly names?: readonly string[];
  readonly name?: string;
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly object[];
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] }[];
  readonly syscalls?: readonly Rule[];
}

export interface ProfileWorld {
  readonly capabilities: readonly string[];
  /** Go's name: amd64. */
  readonly architecture: string;
  /** As uname says it: 6.1.0-13-amd64. */
  readonly kernel: string;
}

const SECCOMP_NAMES: Readonly<Record<string, string>> = { amd64: "SCMP_ARCH_X86_64", "386": "SCMP_ARCH_X86", arm64: "SCMP_ARCH_AARCH64", arm: "SCMP_ARCH_ARM", ppc64le: "SCMP_ARCH_PPC64LE", s390x: "SCMP_ARCH_S390X", riscv64: "SCMP_ARCH_RISCV64" };

/** Makes of a profile as docker's `--security-opt seccomp=FILE` reads it what the runtime spec wants: rules for other machines and capabilities are left out. */
export function seccompProfile(text: string, world: ProfileWorld): object {
  const profile = parse(text);
  const own = SECCOMP_NAMES[world.architecture];
  const mapped = profile.archMap?.find(({ architecture }) => architecture === own);
  const architectures = profile.architectures ?? (mapped === undefined ? undefined : [mapped.architecture, ...(mapped.subArchitectures ?? [])]);
  const holds = ({ includes = {}, excludes = {} }: Rule): boolean => all(includes, world) && !any(excludes, world);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures === undefined ? {} : { architectures }),
    syscalls: (profile.syscalls ?? []).filter(holds).map(({ names, name, action, errnoRet, args }) => ({ names: names ?? [name], action, ...(errnoRet === undefined ? {} : { errnoRet }), ...(args === undefined || args === null ? {} : { args }) })),
  };
}

function parse(text: string): Profile {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (error) {
    throw new ContainerError("bad-option", `Decoding seccomp profile failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof profile !== "object" || profile === null || typeof (profile as Profile).defaultAction !== "string") {
    throw new ContainerError("bad-option", 'Decoding seccomp profile failed: it has no "defaultAction"');
  }
  return profile as Profile;
}

function all({ caps = [], arches = [], minKernel }: Condition, world: ProfileWorld): boolean {
  return caps.every((name) => world.capabilities.includes(name)) && (arches.length === 0 || arches.includes(world.architecture)) && (minKernel === undefined || isAtLeast(world.kernel, minKernel));
}

function any({ caps = [], arches = [], minKernel }: Condition, world: ProfileWorld): boolean {
  return caps.some((name) => world.capabilities.includes(name)) || arches.includes(world.architecture) || (minKernel !== undefined && isAtLeast(world.kernel, minKernel));
}

function isAtLeast(version: string, least: string): boolean {
  const numbers = (text: string): number[] => text.split(/[.-]/).slice(0, 2).map(Number);
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [numbers(version), numbers(least)];
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
