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

/** Every capability of linux/capability.h, for `--cap-add ALL` and `--privileged`. */
export const ALL_CAPABILITIES: readonly string[] = [
  ...DEFAULT_CAPABILITIES,
  "CAP_AUDIT_CONTROL",
  "CAP_AUDIT_READ",
  "CAP_BLOCK_SUSPEND",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
  "CAP_DAC_READ_SEARCH",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_LEASE",
  "CAP_LINUX_IMMUTABLE",
  "CAP_MAC_ADMIN",
  "CAP_MAC_OVERRIDE",
  "CAP_NET_ADMIN",
  "CAP_NET_BROADCAST",
  "CAP_PERFMON",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_MODULE",
  "CAP_SYS_NICE",
  "CAP_SYS_PACCT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
].sort();

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
