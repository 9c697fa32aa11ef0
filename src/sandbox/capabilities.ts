import { readFileSync } from "node:fs";

/** What Docker leaves a container's root (moby, profiles: default capabilities). */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

// As linux/capability.h numbers them, from 0.
const BY_NUMBER = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split(" ").map((name) => `CAP_${name}`);

/** Every capability of linux/capability.h, for `--cap-add ALL` and `--privileged`. */
export const ALL_CAPABILITIES: readonly string[] = [...BY_NUMBER].sort();

/** The capabilities that this process could give to a container: its bounding set (capabilities(7)). */
export function boundingCapabilities(): ReadonlySet<string> {
  const bits = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0"}`);
  return new Set(BY_NUMBER.filter((_, number) => (bits >> BigInt(number)) & 1n));
}

/**
 * Docker's `--cap-add` and `--cap-drop`: names with or without CAP_, in any case, `ALL` for all.
 * `unknown` holds the words that name no capability.
 */
export function chooseCapabilities(add: readonly string[], drop: readonly string[]): { readonly chosen: readonly string[]; readonly unknown: readonly string[] } {
  const canonical = (word: string) => (/^all$/i.test(word) ? "ALL" : `CAP_${word.toUpperCase().replace(/^CAP_/, "")}`);
  const added = new Set(add.map(canonical));
  const dropped = new Set(drop.map(canonical));
  const unknown = [...added, ...dropped].filter((name) => name !== "ALL" && !ALL_CAPABILITIES.includes(name));
  const base = added.has("ALL") ? ALL_CAPABILITIES : dropped.has("ALL") ? [] : DEFAULT_CAPABILITIES;
  const chosen = new Set([...base.filter((name) => !dropped.has(name)), ...[...added].filter((name) => name !== "ALL" && !dropped.has(name))]);
  return { chosen: [...chosen].filter((name) => !unknown.includes(name)).sort(), unknown };
}
