import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SpecMount } from "./runtime-spec.ts";
import { SandboxError } from "./sandbox-error.ts";

export interface HostEntry {
  readonly name: string;
  readonly address: string;
}

export type HostFileName = "resolv.conf" | "hosts" | "hostname";

export interface HostFilesOptions {
  /** Where the files are written. */
  readonly directory: string;
  readonly hostname: string;
  /** The container's own address in a private network, which its name then stands for. */
  readonly address?: string;
  /** What `host-gateway` stands for among the added hosts: where this machine answers. */
  readonly gateway?: string;
  readonly addHosts?: readonly HostEntry[];
  /** Instead of the host's nameservers: those a private network offers, or those asked for. */
  readonly nameservers?: readonly string[];
  /** Instead of the host's search list. */
  readonly search?: readonly string[];
  /** Whether the container sees the host's loopback, where a resolver such as systemd-resolved may listen. */
  readonly loopbackIsHost: boolean;
  readonly readOnly?: boolean;
  /** Which of the files; all three by default. */
  readonly names?: readonly HostFileName[];
}

const ALL_FILES: readonly HostFileName[] = ["resolv.conf", "hosts", "hostname"];

/** Writes resolv.conf, hosts and hostname for one container and says how they are mounted over the image's own. */
export function hostFiles(options: HostFilesOptions): SpecMount[] {
  const texts = {
    "resolv.conf": resolvConf(hostResolvConf(options.loopbackIsHost), options),
    hosts: hostsFile(options),
    hostname: `${options.hostname}\n`,
  };
  return (options.names ?? ALL_FILES).map((name) => {
    const source = join(options.directory, name);
    writeFileSync(source, texts[name], { mode: 0o644 });
    return { destination: `/etc/${name}`, type: "bind", source, options: ["rbind", options.readOnly === false ? "rw" : "ro"] };
  });
}

/**
 * The text of /etc/hosts: names for the loopback, the container's own, then what `--add-host` gave. Throws
 * {@link SandboxError} for `host-gateway` where this machine cannot be reached.
 */
export function hostsFile({ hostname, address, gateway, loopbackIsHost, addHosts = [] }: Pick<HostFilesOptions, "hostname" | "address" | "gateway" | "loopbackIsHost" | "addHosts">): string {
  const own = address === undefined ? [`127.0.0.1\tlocalhost ${hostname}`] : ["127.0.0.1\tlocalhost"];
  const lines = [...own, "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::0\tip6-localnet", "ff00::0\tip6-mcastprefix", "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters"];
  const host = loopbackIsHost ? "127.0.0.1" : gateway;
  const added = addHosts.map((entry) => {
    if (entry.address !== HOST_GATEWAY) return `${entry.address}\t${entry.name}`;
    if (host === undefined) throw new SandboxError("network-failed", `cannot add the host "${entry.name}:${HOST_GATEWAY}": this machine has no address that is seen from this network`);
    return `${host}\t${entry.name}`;
  });
  return [...lines, ...(address === undefined ? [] : [`${address}\t${hostname}`]), ...added, ""].join("\n");
}

/** An address that stands for this machine, as in docker's `--add-host name:host-gateway`. */
const HOST_GATEWAY = "host-gateway";

/** Whether no nameserver of this machine can be asked from a network of one's own: each listens on the loopback. */
export function onlyLoopbackNameservers(): boolean {
  const servers = hostResolvConf(false).split("\n").filter((line) => /^\s*nameserver\s/.test(line));
  return servers.length > 0 && servers.every((line) => LOOPBACK_NAMESERVER.test(line));
}

const LOOPBACK_NAMESERVER = /^\s*nameserver\s+(127\.|::1\b)/;

/**
 * A container's resolv.conf from the host's: its nameservers replaced by the private network's if there are some;
 * else those on a loopback that the container cannot see are left out, and public ones taken when none is left, as Docker does.
 */
export function resolvConf(host: string, options: { readonly nameservers?: readonly string[]; readonly search?: readonly string[]; readonly loopbackIsHost: boolean }): string {
  const lines = host.split("\n").filter((line) => !/^\s*([#;].*)?$/.test(line));
  const { search = [] } = options;
  const kept = lines.filter((line) => !/^\s*nameserver\s/.test(line) && (search.length === 0 || !/^\s*(search|domain)\s/.test(line)));
  const others = search.length === 0 ? kept : [...kept, `search ${search.join(" ")}`];
  const own = lines.filter((line) => /^\s*nameserver\s/.test(line));
  if (options.nameservers !== undefined && options.nameservers.length > 0) {
    return [...options.nameservers.map((address) => `nameserver ${address}`), ...others, ""].join("\n");
  }
  const usable = options.loopbackIsHost ? own : own.filter((line) => !LOOPBACK_NAMESERVER.test(line));
  const servers = usable.length > 0 || options.loopbackIsHost ? usable : ["nameserver 8.8.8.8", "nameserver 8.8.4.4"];
  return [...servers, ...others, ""].join("\n");
}

/** systemd-resolved's stub lives on the host's loopback; it keeps the real servers in a second file. */
function hostResolvConf(loopbackIsHost: boolean): string {
  const stub = read("/etc/resolv.conf");
  const isStub = /^\s*nameserver\s+127\.0\.0\.53\s*$/m.test(stub);
  return isStub && !loopbackIsHost ? read("/run/systemd/resolve/resolv.conf") || stub : stub;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
