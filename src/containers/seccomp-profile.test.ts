import { expect, test } from "vitest";
import { seccompProfile } from "./seccomp-profile.ts";

const world = { capabilities: ["CAP_CHOWN"], architecture: "amd64", kernel: "6.1.0-13-amd64" };

test("docker's profile becomes the runtime's: this machine's architectures, and the rules that hold here", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    archMap: [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    ],
    syscalls: [
      { names: ["read"], action: "SCMP_ACT_ALLOW" },
      { names: ["chown"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_CHOWN"] } },
      { names: ["mount"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_SYS_ADMIN"] } },
      { names: ["clone"], action: "SCMP_ACT_ALLOW", excludes: { caps: ["CAP_CHOWN"] } },
      { names: ["s390"], action: "SCMP_ACT_ALLOW", includes: { arches: ["s390x"] } },
      { names: ["new"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "6.5" } },
      { names: ["old"], action: "SCMP_ACT_ERRNO", errnoRet: 38, args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }], includes: { minKernel: "4.8" } },
    ],
  };
  expect(seccompProfile(JSON.stringify(profile), world)).toEqual({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    syscalls: [
      { names: ["read"], action: "SCMP_ACT_ALLOW" },
      { names: ["chown"], action: "SCMP_ACT_ALLOW" },
      { names: ["old"], action: "SCMP_ACT_ERRNO", errnoRet: 38, args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] },
    ],
  });
});

test.each(["not json", "{}", "[]", "null"])("%s is no profile", (text) => expect(() => seccompProfile(text, world)).toThrow(/Decoding seccomp profile failed/));
