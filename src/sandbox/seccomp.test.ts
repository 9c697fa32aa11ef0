import { describe, expect, test } from "vitest";
import { ALL_CAPABILITIES, DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { defaultSeccomp } from "./seccomp.ts";

interface Profile {
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly { readonly names: readonly string[]; readonly action: string; readonly errnoRet?: number; readonly args?: readonly { readonly value: number; readonly op: string }[] }[];
}

const profileOf = (capabilities = DEFAULT_CAPABILITIES, runtime: "runc" | "crun" = "runc", machine = "x64") => defaultSeccomp(capabilities, machine, runtime) as Profile;
const allowedBy = ({ syscalls }: Profile) => syscalls.filter(({ action, args }) => action === "SCMP_ACT_ALLOW" && args === undefined).flatMap(({ names }) => names);
const opened = (...capabilities: string[]) => {
  const before = allowedBy(profileOf());
  return allowedBy(profileOf([...DEFAULT_CAPABILITIES, ...capabilities])).filter((name) => !before.includes(name));
};

describe.each(["runc", "crun"] as const)("for %s", (runtime) => {
  test("no call is named twice without a condition", () => {
    for (const capabilities of [DEFAULT_CAPABILITIES, ALL_CAPABILITIES, []]) {
      const names = profileOf(capabilities, runtime).syscalls.filter(({ args }) => args === undefined).flatMap((rule) => rule.names);
      expect(names.toSorted()).toEqual([...new Set(names)].sort());
    }
  });
});

test("a capability opens the calls it is for and no others", () => {
  expect(opened("CAP_SYS_TIME")).toEqual(["clock_settime", "clock_settime64", "settimeofday", "stime"]);
  expect(opened("CAP_BPF")).toEqual(["bpf"]);
  expect(opened("CAP_NET_ADMIN")).toEqual([]);
  expect(opened("CAP_SYS_ADMIN")).toEqual(expect.arrayContaining(["mount", "unshare", "setns", "bpf", "perf_event_open", "syslog", "clone", "clone3"]));
});

test("without CAP_SYS_CHROOT, which Docker grants, there is no chroot", () => {
  expect(allowedBy(profileOf())).toContain("chroot");
  expect(allowedBy(profileOf([]))).not.toContain("chroot");
});

test("no capability opens keyrings, io_uring, kexec or swap", () => {
  const all = allowedBy(profileOf(ALL_CAPABILITIES));
  for (const name of ["add_key", "keyctl", "request_key", "io_uring_setup", "userfaultfd", "kexec_load", "swapon", "pivot_root", "uselib"]) expect(all).not.toContain(name);
});

test("crun, which has no answer of its own for newer calls, gets ENOSYS for them and EPERM for those that are known", () => {
  expect(profileOf(DEFAULT_CAPABILITIES, "runc").defaultErrnoRet).toBe(1);
  const { defaultErrnoRet, syscalls } = profileOf(DEFAULT_CAPABILITIES, "crun");
  expect(defaultErrnoRet).toBe(38);
  const forbidden = syscalls.filter(({ action, errnoRet }) => action === "SCMP_ACT_ERRNO" && errnoRet === 1);
  expect(forbidden.flatMap(({ names }) => names)).toEqual(expect.arrayContaining(["mount", "keyctl", "clone", "socket"]));
  expect(forbidden.find(({ names }) => names[0] === "socket")!.args).toEqual([{ index: 0, value: 40, op: "SCMP_CMP_EQ" }]);
});

test("each processor has its own calls and its 32-bit form, and an unknown one has no filter", () => {
  expect(allowedBy(profileOf())).toContain("arch_prctl");
  const arm = profileOf(DEFAULT_CAPABILITIES, "runc", "arm64");
  expect(allowedBy(arm)).toContain("set_tls");
  expect(allowedBy(arm)).not.toContain("arch_prctl");
  expect(arm.architectures).toEqual(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
  expect(profileOf(DEFAULT_CAPABILITIES, "runc", "mips")).toBeUndefined();
});
