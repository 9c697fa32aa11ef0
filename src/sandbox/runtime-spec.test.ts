import { expect, test } from "vitest";
import { runtimeSpec, type RuntimeSpecOptions } from "./runtime-spec.ts";

interface Spec {
  readonly process: { readonly user: object; readonly env: string[]; readonly capabilities: Record<string, string[]>; readonly cwd: string; readonly terminal: boolean };
  readonly mounts: { readonly destination: string; readonly type: string; readonly options: string[] }[];
  readonly linux: { readonly namespaces: { type: string; path?: string }[]; readonly maskedPaths?: string[]; readonly seccomp?: object };
}

const ACCOUNT = { uid: 1000, gid: 1001, groups: [50], home: "/home/app" };

function specOf(over: Partial<RuntimeSpecOptions> = {}): Spec {
  return runtimeSpec({ rootfs: "/r", args: ["true"], env: ["A=1"], cwd: "", account: ACCOUNT, hostname: "box", network: { kind: "new" }, rootless: true, ...over }) as unknown as Spec;
}

test("HOME is the account's unless it is given, and the working directory is never empty", () => {
  expect(specOf().process.env).toEqual(["A=1", "HOME=/home/app"]);
  expect(specOf({ env: ["HOME=/x"] }).process.env).toEqual(["HOME=/x"]);
  expect(specOf().process.cwd).toBe("/");
});

test("a user other than root holds no capability but may regain them", () => {
  const { capabilities } = specOf().process;
  expect(capabilities["effective"]).toEqual([]);
  expect(capabilities["bounding"]).toHaveLength(14);
  expect(specOf({ account: { ...ACCOUNT, uid: 0 } }).process.capabilities["effective"]).toHaveLength(14);
});

test("the own group is among the supplementary ones, once", () => {
  expect(specOf().process.user).toEqual({ uid: 1000, gid: 1001, additionalGids: [1001, 50] });
});

test("inside a user namespace /sys is bound from the host only with the host's network", () => {
  const sys = (spec: Spec) => spec.mounts.find(({ destination }) => destination === "/sys")?.type;
  expect(sys(specOf({ network: { kind: "host" } }))).toBe("bind");
  expect(sys(specOf())).toBe("sysfs");
  expect(sys(specOf({ network: { kind: "host" }, rootless: false }))).toBe("sysfs");
});

test("the network is the host's, a new one, or one at a path", () => {
  const network = (spec: Spec) => spec.linux.namespaces.find(({ type }) => type === "network");
  expect(network(specOf({ network: { kind: "host" } }))).toBeUndefined();
  expect(network(specOf())).toEqual({ type: "network" });
  expect(network(specOf({ network: { kind: "path", path: "/n" } }))).toEqual({ type: "network", path: "/n" });
});

test("a privileged container has no filter and no masks", () => {
  expect(specOf({ privileged: true }).linux.seccomp).toBeUndefined();
  expect(specOf({ privileged: true }).linux.maskedPaths).toBeUndefined();
  expect(specOf({ seccomp: null }).linux.seccomp).toBeUndefined();
});
