import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { reasonOf } from "../../base/failure.ts";
import { SandboxError } from "../sandbox-error.ts";
import { findCommand } from "../search-path.ts";
import { addLinkRules, sweepRules } from "./firewall.ts";
import { freeLinks, linkNames, nameOfLink, type Link } from "./links.ts";
import { lockMachineNetwork } from "./machine-lock.ts";
import { makeNamespaceFile, removeNamespaceFile } from "./namespace-file.ts";
import type { NetworkRequest, PortMapping, PrivateNetwork } from "./network.ts";
import { releasePorts, reservePorts } from "./reserve-ports.ts";

/**
 * A network by a pair of devices and the kernel's address translation; needs root. The devices vanish with the
 * namespace, however that ends; the rules are taken out when it is disposed of, by {@link endLink}, or by the next of us.
 */
export async function openVeth({ directory, env, ports: wanted }: NetworkRequest): Promise<PrivateNetwork> {
  const { ports, files } = await reservePorts(wanted);
  try {
    const path = makeNamespaceFile(directory, env);
    try {
      const link = await makeLink(path, ports, env);
      const end = async () => {
        releasePorts(files);
        await endLink(link.id, env);
        removeNamespaceFile(path);
      };
      return { kind: "veth", path, address: link.address, gateway: link.gateway, nameservers: [], ports, link: link.id, held: files, [Symbol.asyncDispose]: end };
    } catch (error) {
      removeNamespaceFile(path);
      throw error;
    }
  } catch (error) {
    releasePorts(files);
    throw error;
  }
}

async function makeLink(path: string, ports: readonly PortMapping[], env: NodeJS.ProcessEnv): Promise<Link> {
  using _lock = await lockMachineNetwork();
  const swept = sweepRules(env);
  const link = addLink(path, env);
  try {
    configureInside(path, link, env);
    addLinkRules(link, ports, swept, env);
    if (ports.length > 0) writeFileSync(`/proc/sys/net/ipv4/conf/${link.name}/route_localnet`, "1");
    return link;
  } catch (error) {
    removeLink(link.name, env);
    sweepRules(env, link.id);
    throw error;
  }
}

/** Takes a link and its rules away, if it is there still; the ports go with whoever holds their files. */
export async function endLink(id: string, env: NodeJS.ProcessEnv): Promise<void> {
  using _lock = await lockMachineNetwork();
  if (sweepRules(env, id).hadEnded) removeLink(nameOfLink(id), env);
}

function addLink(path: string, env: NodeJS.ProcessEnv): Link {
  let tries = 0;
  for (const link of freeLinks(readFileSync("/proc/net/dev", "latin1"), readFileSync("/proc/net/route", "latin1"))) {
    const said = ip([`link add ${link.name} type veth peer name eth0 netns ${path}`, `addr add ${link.gateway}/30 dev ${link.name}`, `link set ${link.name} up`], env);
    if (said === undefined) return link;
    if (!linkNames().includes(link.name) || (tries += 1) > 20) throw new SandboxError("network-failed", `cannot make a pair of network devices: ${said}`);
  }
  throw new SandboxError("network-failed", "cannot make a pair of network devices: every address is taken");
}

function configureInside(path: string, { address, gateway }: Link, env: NodeJS.ProcessEnv): void {
  const said = ip([`addr add ${address}/30 dev eth0`, "link set lo up", "link set eth0 up", `route add default via ${gateway}`], env, ["nsenter", `--net=${path}`, "--"]);
  if (said !== undefined) throw new SandboxError("network-failed", `cannot configure the container's network: ${said}`);
}

function removeLink(name: string, env: NodeJS.ProcessEnv): void {
  ip([`link del ${name}`], env); // it may be gone
}

/** Runs ip-batch(8); gives what it had to say when it failed. */
function ip(lines: readonly string[], env: NodeJS.ProcessEnv, prefix: readonly string[] = []): string | undefined {
  const command = findCommand("ip", env);
  if (command === undefined) return 'the command "ip" was not found';
  const [first, ...rest] = [...prefix, command, "-batch", "-"];
  const { status, stderr, error } = spawnSync(first!, rest, { input: `${lines.join("\n")}\n`, encoding: "utf8", timeout: 10_000 });
  return status === 0 ? undefined : stderr.trim().split("\n")[0] || reasonOf(error);
}
