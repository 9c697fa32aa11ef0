import { ALLOWED, ALLOWED_ON, FORBIDDEN, WITH_CAPABILITY } from "./seccomp-calls.ts";

/** A rule of the runtime spec's `linux.seccomp.syscalls` (OCI runtime-spec, config-linux.md, Seccomp). */
interface Rule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }[];
}

const EPERM = 1;
const ENOSYS = 38;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of linux/sched.h. */
const CLONE_NAMESPACES = 0x7e02_0000;

const AF_VSOCK = 40;

/** PER_LINUX and PER_LINUX32, each also with UNAME26 (linux/personality.h), and the value that only asks. */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/**
 * Each costs every start of a container some 5 ms, for which the runtime compiles the filter; so x32 is not among them, which
 * Docker allows and no usual kernel offers.
 */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/**
 * Laminate's default seccomp profile: Docker's list of what is allowed, with what `capabilities` open; all else fails with EPERM.
 * A call newer than the list must fail with ENOSYS, so that a C library falls back to an older one: runc sees to that itself,
 * crun is told. `undefined` on a machine whose second architectures we do not know.
 */
export function defaultSeccomp(capabilities: readonly string[], machine: string, runtime: "runc" | "crun"): object | undefined {
  const architectures = ARCHITECTURES[machine];
  if (architectures === undefined) return undefined;
  const opened = (needed: readonly string[]) => needed.some((capability) => capabilities.includes(capability));
  const calls = WITH_CAPABILITY.flatMap(([needed, names]) => (opened(needed) ? names : []));
  const shut = WITH_CAPABILITY.flatMap(([needed, names]) => (opened(needed) ? [] : names));
  const mayMakeNamespaces = opened(["CAP_SYS_ADMIN"]);
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: runtime === "runc" ? EPERM : ENOSYS,
    architectures,
    syscalls: [
      allow([...ALLOWED, ...ALLOWED_ON[machine]!, ...calls]),
      ...(mayMakeNamespaces ? [allow(["clone", "clone3"])] : cloneRules()),
      ...PERSONALITIES.map((value) => when(allow(["personality"]), { value, op: "SCMP_CMP_EQ" })),
      // A virtual machine's channel to its host is in no network namespace.
      when(allow(["socket"]), { value: AF_VSOCK, op: "SCMP_CMP_NE" }),
      ...(runtime === "runc" ? [] : forbiddenByName([...FORBIDDEN, ...shut], mayMakeNamespaces)),
    ],
  };
}

/** clone3's flags lie in memory, where a filter cannot look; told that it does not exist, libc takes clone. */
function cloneRules(): Rule[] {
  return [when(allow(["clone"]), { value: CLONE_NAMESPACES, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }), { ...forbid(["clone3"]), errnoRet: ENOSYS }];
}

/** Where the default is ENOSYS: what is known and not allowed. A filter cannot say "any of these bits", nor "none of these values". */
function forbiddenByName(names: readonly string[], mayMakeNamespaces: boolean): Rule[] {
  const bits = mayMakeNamespaces ? [] : Array.from({ length: 32 }, (_, bit) => 2 ** bit).filter((flag) => (CLONE_NAMESPACES & flag) !== 0);
  return [
    forbid(names),
    ...bits.map((flag) => when(forbid(["clone"]), { value: flag, valueTwo: flag, op: "SCMP_CMP_MASKED_EQ" })),
    when(forbid(["socket"]), { value: AF_VSOCK, op: "SCMP_CMP_EQ" }),
  ];
}

function allow(names: readonly string[]): Rule {
  return { names, action: "SCMP_ACT_ALLOW" };
}

function forbid(names: readonly string[]): Rule {
  return { names, action: "SCMP_ACT_ERRNO", errnoRet: EPERM };
}

/** The rule for calls whose first argument compares so. */
function when(rule: Rule, compared: Omit<NonNullable<Rule["args"]>[number], "index">): Rule {
  return { ...rule, args: [{ index: 0, ...compared }] };
}
