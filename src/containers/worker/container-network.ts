import { join } from "node:path";
import type { HostFilesOptions } from "../../sandbox/host-files.ts";
import { NetworkMemory } from "../../sandbox/network/memory.ts";
import { releaseNamespaceFile } from "../../sandbox/network/namespace-file.ts";
import type { PrivateNetwork } from "../../sandbox/network/network.ts";
import { PrivateNetworks } from "../../sandbox/network/private-networks.ts";
import { freePorts } from "../../sandbox/network/reserve-ports.ts";
import type { SpecNetwork } from "../../sandbox/runtime-spec.ts";
import { identityOf, type ProcessIdentity } from "../../sys/process-identity.ts";
import { ContainerError } from "../container-error.ts";
import type { LaunchPlan } from "../launch-plan.ts";
import type { PortBinding } from "../ports.ts";
import type { ContainerNetwork, ContainerRecord } from "../record.ts";

/** The network of a container that is being started; disposing of it ends it. */
export interface StartedNetwork extends AsyncDisposable {
  readonly spec: SpecNetwork;
  readonly said: ContainerNetwork;
  readonly ports: readonly PortBinding[];
  readonly files: Pick<HostFilesOptions, "loopbackIsHost" | "address" | "gateway" | "nameservers" | "search">;
  readonly sysctl: Readonly<Record<string, string>>;
  /** Files that the container's monitor has to hold open: with them go what makes the network, and the ports. */
  readonly held: readonly number[];
  readonly helpers: readonly ProcessIdentity[];
  /** To be called once the container's process holds the namespace: its file, a mount, would be in the way of who removes the container. */
  handOver(): void;
  /** What the user should know of it, once. */
  readonly notice?: string;
}

/** Opens a container's network and takes its ports. Throws ContainerError or SandboxError when a port cannot be had. */
export async function openContainerNetwork({ record, directory, rootless, root }: LaunchPlan, env: NodeJS.ProcessEnv): Promise<StartedNetwork> {
  const { network, publish: ports } = record;
  if (network === "none") return { ...NOTHING, spec: { kind: "new" }, said: { kind: "none" }, ports: [], sysctl: ownSysctl(rootless), files: { ...dnsOf(record), loopbackIsHost: false } };
  if (network === "host") return hostNetwork(record);
  const networks = new PrivateNetworks({ env, root, for: "container", rootless });
  const made = await networks.open({ directory: join(directory, "network"), env, ports, ownNameservers: (record.dns ?? []).length > 0 });
  return "reason" in made ? hostNetwork(record, { reason: made.reason, root }) : privateNetwork(record, made, rootless);
}

const NOTHING = { sysctl: {}, held: [], helpers: [], handOver: () => {}, [Symbol.asyncDispose]: async () => {} };

function privateNetwork(record: ContainerRecord, made: PrivateNetwork, rootless: boolean): StartedNetwork {
  const { kind: by, path, address, gateway, nameservers, ports, link, held, helper } = made;
  const known = { ...(address === undefined ? {} : { address }), ...(gateway === undefined ? {} : { gateway }) };
  const process = helper === undefined ? undefined : identityOf(helper);
  return {
    spec: { kind: "path", path },
    said: { kind: "private", by, ...known, ...(link === undefined ? {} : { link }) },
    ports,
    files: { loopbackIsHost: false, ...known, nameservers, ...dnsOf(record) },
    sysctl: ownSysctl(rootless),
    held,
    helpers: process === undefined ? [] : [process],
    handOver: () => releaseNamespaceFile(path),
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}

/** A port of the container is then the host's of the same number: it must be asked for so, and be free. */
async function hostNetwork(record: ContainerRecord, without?: { readonly reason: string; readonly root: string }): Promise<StartedNetwork> {
  const moved = record.publish.find(({ hostPort, containerPort }) => hostPort !== 0 && hostPort !== containerPort);
  const why = without === undefined ? "" : ` (${without.reason})`;
  if (moved !== undefined) {
    throw new ContainerError("port-refused", `cannot publish port ${moved.containerPort} as ${moved.hostPort}: the container has the host's network${why}, where its port is the same`, {
      hint: `publish it as -p ${moved.containerPort}:${moved.containerPort}, or have the program listen on ${moved.hostPort}`,
    });
  }
  const ports = await freePorts(record.publish.map((port) => ({ ...port, hostPort: port.containerPort })));
  const notice = ports.length > 0 ? `The container has the host's network${why}: its ports are the host's ports of the same numbers.` : fallbackNotice(without);
  return { ...NOTHING, spec: { kind: "host" }, said: { kind: "host", ...(without === undefined ? {} : { reason: without.reason }) }, ports, files: { ...dnsOf(record), loopbackIsHost: true }, ...(notice === undefined ? {} : { notice }) };
}

function fallbackNotice(without?: { readonly reason: string; readonly root: string }): string | undefined {
  return without !== undefined && new NetworkMemory(without.root).isNews(without.reason) ? `The container has the host's network: ${without.reason}.` : undefined;
}

function dnsOf({ dns = [], dnsSearch = [] }: ContainerRecord): Pick<HostFilesOptions, "nameservers" | "search"> {
  return { ...(dns.length === 0 ? {} : { nameservers: dns }), ...(dnsSearch.length === 0 ? {} : { search: dnsSearch }) };
}

/** As docker: in a network of its own any user may listen on port 80, and ping (the latter names groups that a user namespace lacks). */
function ownSysctl(rootless: boolean): Readonly<Record<string, string>> {
  return { "net.ipv4.ip_unprivileged_port_start": "0", ...(rootless ? {} : { "net.ipv4.ping_group_range": "0 2147483647" }) };
}
