import { isIP } from "node:net";
import type { PortMapping } from "../sandbox/network/network.ts";
import { ContainerError } from "./container-error.ts";

export type Protocol = PortMapping["protocol"];

/** A port that the user wants to reach; host port 0 is any free one. */
export type PublishedPort = PortMapping;

/** A port that can be reached: `hostPort` is real. */
export type PortBinding = PortMapping;

/** Reads docker's `-p`: `[[IP:][HOSTPORT]:]PORT[/PROTOCOL]`, ports also as ranges `8000-8010`. */
export function parsePublish(text: string): PublishedPort[] {
  const fail = (why: string): never => {
    throw new ContainerError("bad-option", `invalid argument ${JSON.stringify(text)} for "-p, --publish" flag: ${why}`, { hint: "write it as [[IP:][HOSTPORT]:]PORT[/tcp|/udp]" });
  };
  const found = /^(?:(?:(\[[0-9a-fA-F:.]+\]|[^:[\]]*):)?([0-9-]*):)?([0-9-]+)(?:\/([a-zA-Z]+))?$/.exec(text);
  if (found === null) return fail("invalid port specification");
  const [, ip = "", host = "", container = "", protocol = "tcp"] = found;
  const hostIp = ip.replace(/^\[|\]$/g, "");
  if (hostIp !== "" && isIP(hostIp) === 0) return fail(`invalid IP address: ${hostIp}`);
  if (!isProtocol(protocol)) return fail(`invalid proto: ${protocol}`);
  const inside = parseRange(container) ?? fail(`invalid containerPort: ${container}`);
  const outside = host === "" ? undefined : (parseRange(host) ?? fail(`invalid hostPort: ${host}`));
  if (outside !== undefined && outside.length !== inside.length) return fail("invalid ranges specified for container and host ports");
  return inside.map((containerPort, at) => ({ hostIp, hostPort: outside?.[at] ?? 0, containerPort, protocol }));
}

/** Reads an exposed port as an image config writes it: `8080/tcp`; `8080` is tcp. */
export function parseExposed(text: string): { readonly containerPort: number; readonly protocol: Protocol }[] {
  const [range = "", protocol = "tcp"] = text.toLowerCase().split("/");
  const ports = parseRange(range);
  return ports === undefined || !isProtocol(protocol) ? [] : ports.map((containerPort) => ({ containerPort, protocol }));
}

/** The PORTS column of docker's `ps`: published ports, then those only exposed. */
export function describePorts(bindings: readonly PortBinding[], exposed: readonly string[]): string {
  const isPublished = (port: { containerPort: number; protocol: Protocol }) => bindings.some((binding) => binding.containerPort === port.containerPort && binding.protocol === port.protocol);
  const published = [...bindings].sort(byContainerPort).map((port) => `${address(port)}->${port.containerPort}/${port.protocol}`);
  const others = exposed.flatMap(parseExposed).filter((port) => !isPublished(port));
  return [...others.sort(byContainerPort).map((port) => `${port.containerPort}/${port.protocol}`), ...published].join(", ");
}

/** `0.0.0.0:8080`, `[::1]:80`. */
export function address({ hostIp, hostPort }: PortBinding): string {
  return hostIp.includes(":") ? `[${hostIp}]:${hostPort}` : `${hostIp || "0.0.0.0"}:${hostPort}`;
}

function byContainerPort(a: { containerPort: number }, b: { containerPort: number }): number {
  return a.containerPort - b.containerPort;
}

function isProtocol(word: string): word is Protocol {
  return word === "tcp" || word === "udp";
}

function parseRange(text: string): number[] | undefined {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (found === null) return undefined;
  const first = Number(found[1]);
  const last = Number(found[2] ?? found[1]);
  if (first < 1 || last > 65535 || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
