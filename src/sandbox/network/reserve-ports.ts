import { closeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, reasonOf } from "../../base/failure.ts";
import { bindPort } from "../../sys/sockets.ts";
import { SandboxError } from "../sandbox-error.ts";
import type { PortMapping } from "./network.ts";

/** Ports of this machine that are ours while `files` are open. */
export interface ReservedPorts {
  readonly ports: readonly PortMapping[];
  readonly files: readonly number[];
}

/**
 * Takes the host's port of each mapping, any free one for 0. A container that has just ended may hold its ports a moment
 * longer: so one that is taken is tried again for a while. Throws {@link SandboxError}, and keeps none, when one cannot be had.
 */
export async function reservePorts(wanted: readonly PortMapping[]): Promise<ReservedPorts> {
  for (let tries = 1; ; tries += 1) {
    try {
      return takePorts(wanted);
    } catch (error) {
      if (!(error instanceof SandboxError) || error.code !== "port-taken" || tries === TRIES) throw error;
      await sleep(WAIT_MS);
    }
  }
}

const TRIES = 20;
const WAIT_MS = 50;

function takePorts(wanted: readonly PortMapping[]): ReservedPorts {
  const files: number[] = [];
  try {
    const ports = wanted.map((mapping) => {
      const { file, port } = bind(mapping);
      files.push(file);
      return { ...mapping, hostPort: port };
    });
    return { ports, files };
  } catch (error) {
    releasePorts(files);
    throw error;
  }
}

export function releasePorts(files: readonly number[]): void {
  for (const file of files) closeSync(file);
}

/** The same ports, once it is known that they are free now: for a program that binds them itself. */
export async function freePorts(wanted: readonly PortMapping[]): Promise<readonly PortMapping[]> {
  const { ports, files } = await reservePorts(wanted);
  releasePorts(files);
  return ports;
}

function bind(mapping: PortMapping): { readonly file: number; readonly port: number } {
  const { hostIp, hostPort, protocol } = mapping;
  try {
    return bindPort({ address: hostIp === "" ? "0.0.0.0" : hostIp, port: hostPort, protocol });
  } catch (error) {
    throw portFailure(mapping, error);
  }
}

/** A private network's ports are IPv4's. Throws {@link SandboxError}. */
export function refuseIpv6(ports: readonly PortMapping[]): void {
  const found = ports.find(({ hostIp }) => hostIp.includes(":"));
  if (found === undefined) return;
  throw new SandboxError("port-refused", `cannot publish port ${found.containerPort}/${found.protocol} at [${found.hostIp}]: a container's ports are published at IPv4 addresses`, { hint: "leave the address out, or give the container the host's network: --network host" });
}

/** Docker's words for a port that is taken, and what else can be wrong with one. */
export function portFailure({ hostIp, hostPort, containerPort, protocol }: PortMapping, error: unknown): SandboxError {
  const place = `${hostIp.includes(":") ? `[${hostIp}]` : hostIp || "0.0.0.0"}:${hostPort}`;
  switch (errnoOf(error)) {
    case "EADDRINUSE":
      return new SandboxError("port-taken", `Bind for ${place} failed: port is already allocated`, { cause: error });
    case "EACCES":
      return new SandboxError("port-refused", `cannot publish port ${containerPort}/${protocol} at ${place}: an ordinary user may not take ports below 1024`, {
        cause: error,
        hint: "publish it at a higher one, or have an administrator allow it: sysctl -w net.ipv4.ip_unprivileged_port_start=80",
      });
    case "EADDRNOTAVAIL":
      return new SandboxError("port-refused", `cannot publish port ${containerPort}/${protocol} at ${place}: ${hostIp} is no address of this machine`, { cause: error });
    default:
      return new SandboxError("port-refused", `cannot publish port ${containerPort}/${protocol} at ${place}: ${reasonOf(error)}`, { cause: error });
  }
}
