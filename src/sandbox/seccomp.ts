/** A rule of the runtime spec's `linux.seccomp.syscalls` (OCI runtime-spec, config-linux.md, Seccomp). */
interface Rule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ERRNO";
  readonly errnoRet: number;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }[];
}

const EPERM = 1;
const ENOSYS = 38;

/**
 * Calls that Docker's documentation lists as blocked, with the capability that opens them again. They reach parts of the kernel
 * that are not confined to a namespace, or that were often the way out of one. `undefined`: no capability opens them.
 */
const FORBIDDEN: readonly (readonly [capability: string | undefined, names: readonly string[]])[] = [
  // Mounts and namespaces: a user namespace made inside would bring back every capability, in kernel code seldom walked.
  [
    "CAP_SYS_ADMIN",
    ["fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree", "pivot_root", "setns", "umount", "umount2", "unshare"],
  ],
  ["CAP_SYS_ADMIN", ["fanotify_init", "lookup_dcookie", "perf_event_open", "quotactl", "quotactl_fd", "swapoff", "swapon"]],
  ["CAP_BPF", ["bpf"]],
  ["CAP_DAC_READ_SEARCH", ["open_by_handle_at"]],
  ["CAP_SYS_BOOT", ["kexec_file_load", "kexec_load", "reboot"]],
  ["CAP_SYS_MODULE", ["create_module", "delete_module", "finit_module", "get_kernel_syms", "init_module", "query_module"]],
  ["CAP_SYS_NICE", ["get_mempolicy", "mbind", "move_pages", "set_mempolicy"]],
  ["CAP_SYS_PACCT", ["acct"]],
  ["CAP_SYS_PTRACE", ["kcmp"]],
  ["CAP_SYS_RAWIO", ["ioperm", "iopl"]],
  ["CAP_SYS_TIME", ["clock_adjtime", "clock_settime", "clock_settime64", "settimeofday", "stime"]],
  ["CAP_SYSLOG", ["syslog"]],
  // Keyrings belong to a user of the machine, not to a namespace; io_uring and userfaultfd served many an exploit.
  [undefined, ["add_key", "keyctl", "request_key", "io_uring_enter", "io_uring_register", "io_uring_setup", "userfaultfd"]],
  [undefined, ["_sysctl", "nfsservctl", "sysfs", "uselib", "ustat", "vm86", "vm86old"]],
];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of linux/sched.h. */
const CLONE_NAMESPACES = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

const AF_VSOCK = 40;

const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/**
 * Laminate's default seccomp profile: everything is allowed but what Docker's documentation names as blocked.
 * A list of what is forbidden, unlike Docker's of what is allowed, does not break programs when the kernel learns a new call.
 * `undefined` on a machine whose second architectures we do not know.
 */
export function defaultSeccomp(capabilities: readonly string[], machine: string): object | undefined {
  const architectures = ARCHITECTURES[machine];
  if (architectures === undefined) return undefined;
  const names = FORBIDDEN.filter(([capability]) => capability === undefined || !capabilities.includes(capability)).flatMap(([, calls]) => calls);
  const rules = [forbid(names), ...(capabilities.includes("CAP_SYS_ADMIN") ? [] : cloneRules()), vsockRule()];
  return { defaultAction: "SCMP_ACT_ALLOW", architectures, syscalls: rules };
}

function forbid(names: readonly string[]): Rule {
  return { names, action: "SCMP_ACT_ERRNO", errnoRet: EPERM };
}

/** clone3's flags lie in memory, where a filter cannot look; told that it does not exist, libc takes clone. */
function cloneRules(): Rule[] {
  const flagged = CLONE_NAMESPACES.map((flag) => ({ ...forbid(["clone"]), args: [{ index: 0, value: flag, valueTwo: flag, op: "SCMP_CMP_MASKED_EQ" }] }));
  return [...flagged, { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS }];
}

/** A virtual machine's channel to its host is in no network namespace. */
function vsockRule(): Rule {
  return { ...forbid(["socket"]), args: [{ index: 0, value: AF_VSOCK, op: "SCMP_CMP_EQ" }] };
}
