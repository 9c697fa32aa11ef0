import { existsSync } from "node:fs";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { defaultSeccomp } from "./seccomp.ts";
import type { Account } from "./user.ts";

/** One mount of the runtime spec (OCI runtime-spec, config.md, Mounts). */
export interface SpecMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

/** Where the container's network comes from: the host's namespace, an empty new one, or one that lies at a path. */
export type SpecNetwork = { readonly kind: "host" } | { readonly kind: "new" } | { readonly kind: "path"; readonly path: string };

/** -1 is no limit. */
export interface SpecLimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface RuntimeSpecOptions {
  /** Absolute path of the mounted root file system. */
  readonly rootfs: string;
  readonly args: readonly string[];
  /** `NAME=value`, complete: nothing is added but HOME when it is missing. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly account: Account;
  readonly hostname: string;
  readonly network: SpecNetwork;
  /** Inside a user namespace: a sysfs may then only be mounted with a network namespace of our own. */
  readonly rootless: boolean;
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly readonlyRootfs?: boolean;
  /** After the standard mounts, in this order. */
  readonly mounts?: readonly SpecMount[];
  readonly capabilities?: readonly string[];
  readonly limits?: readonly SpecLimit[];
  /** -1000 to 1000: how gladly the kernel kills it when memory runs out (proc(5)). */
  readonly oomScoreAdj?: number;
  readonly noNewPrivileges?: boolean;
  /** No masked and no read-only paths, a writable /sys. */
  readonly privileged?: boolean;
  readonly shmBytes?: number;
  readonly cgroupsPath?: string;
  readonly resources?: object;
  /** Which runtime reads it (default runc). */
  readonly runtime?: "runc" | "crun";
  /** Laminate's default profile unless given; `null` for none. A privileged container has none. */
  readonly seccomp?: object | null;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly devices?: readonly object[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** A namespace of cgroups, whose root is the container's own: with cgroup v2, as in Docker. */
  readonly cgroupNamespace?: boolean;
  /** Namespaces of the host that it has instead of its own. */
  readonly hostNamespaces?: readonly ("pid" | "ipc")[];
}

/** What Docker hides from a container, because it tells of the host or harms it (moby, oci/defaults.go). */
const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The `config.json` of a container with Docker's defaults (OCI runtime-spec, config.md and config-linux.md). */
export function runtimeSpec(options: RuntimeSpecOptions): object {
  const { privileged = false } = options;
  return {
    ociVersion: "1.0.2",
    process: processOf(options),
    root: { path: options.rootfs, readonly: options.readonlyRootfs ?? false },
    hostname: options.hostname,
    mounts: [...standardMounts(options), ...(options.mounts ?? [])],
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    linux: {
      namespaces: namespacesOf(options),
      ...(options.cgroupsPath === undefined ? {} : { cgroupsPath: options.cgroupsPath }),
      ...(options.resources === undefined ? {} : { resources: options.resources }),
      ...seccompOf(options),
      ...(options.sysctl === undefined ? {} : { sysctl: options.sysctl }),
      ...(options.devices === undefined ? {} : { devices: options.devices }),
      ...(privileged ? {} : { maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS }),
    },
  };
}

/** A spec as `config.json`. RLIM_INFINITY is larger than the numbers that JSON has from here keep exactly. */
export function specText(spec: object): string {
  return JSON.stringify(spec, (key, value: unknown) => ((key === "soft" || key === "hard") && value === -1 ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON("18446744073709551615") : value));
}

/** The places that {@link runtimeSpec}'s own mounts need in the root file system; the runtime makes those that are missing. */
export const STANDARD_MOUNT_POINTS: readonly string[] = ["/proc", "/dev", "/sys"];

function processOf(options: RuntimeSpecOptions): object {
  const { account, terminal } = options;
  const hasHome = options.env.some((line) => line.startsWith("HOME="));
  return {
    terminal: terminal !== undefined,
    ...(terminal === undefined ? {} : { consoleSize: { height: terminal.rows, width: terminal.columns } }),
    user: { uid: account.uid, gid: account.gid, additionalGids: [...new Set([account.gid, ...account.groups])] },
    args: options.args,
    env: hasHome ? options.env : [...options.env, `HOME=${account.home}`],
    cwd: options.cwd === "" ? "/" : options.cwd,
    capabilities: capabilitiesOf(options),
    ...(options.limits === undefined ? {} : { rlimits: options.limits }),
    ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    noNewPrivileges: options.noNewPrivileges ?? false,
  };
}

/** A user other than root starts with none and may only regain those of the bounding set, by a setuid file (as in Docker). */
function capabilitiesOf(options: RuntimeSpecOptions): object {
  const capabilities = options.capabilities ?? DEFAULT_CAPABILITIES;
  const held = options.account.uid === 0 ? capabilities : [];
  return { bounding: capabilities, effective: held, permitted: held };
}

function seccompOf(options: RuntimeSpecOptions): { readonly seccomp?: object } {
  if (options.privileged === true || options.seccomp === null) return {};
  const seccomp = options.seccomp ?? defaultSeccomp(options.capabilities ?? DEFAULT_CAPABILITIES, process.arch, options.runtime ?? "runc");
  return seccomp === undefined ? {} : { seccomp };
}

function namespacesOf({ network, hostNamespaces = [], cgroupNamespace = false }: RuntimeSpecOptions): object[] {
  const hosts: readonly string[] = hostNamespaces;
  const own = ["pid", "ipc", "uts", "mount", ...(cgroupNamespace ? ["cgroup"] : [])].filter((type) => !hosts.includes(type)).map((type) => ({ type }));
  switch (network.kind) {
    case "host":
      return own;
    case "new":
      return [...own, { type: "network" }];
    case "path":
      return [...own, { type: "network", path: network.path }];
  }
}

function standardMounts(options: RuntimeSpecOptions): SpecMount[] {
  const { hostNamespaces = [], rootless } = options;
  return [
    // Who may not make processes' namespaces may not mount a new /proc of the host's either.
    rootless && hostNamespaces.includes("pid") ? hostMount("/proc") : { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
    sysMount(options),
    ...(hostNamespaces.includes("ipc") ? ["/dev/mqueue", "/dev/shm"].filter((path) => existsSync(path)).map(hostMount) : ipcMounts(options)),
  ];
}

function hostMount(path: string): SpecMount {
  return { destination: path, type: "bind", source: path, options: ["rbind", "nosuid", "noexec", "nodev"] };
}

function ipcMounts(options: RuntimeSpecOptions): SpecMount[] {
  return [
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${options.shmBytes ?? 67_108_864}`] },
  ];
}

/** The kernel lets a user namespace mount a sysfs only if it owns the network namespace shown in it; else the host's is bound. */
function sysMount(options: RuntimeSpecOptions): SpecMount {
  const access = options.privileged === true ? "rw" : "ro";
  if (options.rootless && options.network.kind === "host") {
    return { destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", access] };
  }
  return { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access] };
}
