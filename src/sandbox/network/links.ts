import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * A container's pair of devices: `lam7` on this machine, `eth0` inside, and between them a network of four addresses of
 * which each has one. The number is free when the device is not there: the kernel decides, among all stores and users,
 * and frees it when the container's namespace ends.
 */
export interface Link {
  readonly name: string;
  /** The name and what tells this link from an earlier or later one of the name: `lam7:3fa0c2`. */
  readonly id: string;
  /** This machine's end. */
  readonly gateway: string;
  readonly address: string;
}

export const LINK_PREFIX = "lam";

/** Networks of 65,536 addresses; the first that this machine has no way to already is taken. Docker's and podman's are others. */
const RANGES = ["10.213", "172.29", "10.147", "192.168"] as const;
const LINKS = 65536 / 4;

/** The links worth trying, lowest free number first. `devices` and `routes` are /proc/net/dev and /proc/net/route. */
export function* freeLinks(devices: string, routes: string): Generator<Link> {
  const used = new Set(linkNames(devices));
  const range = RANGES.find((one) => !hasRouteInto(one, routes)) ?? RANGES[0];
  for (let number = 0; number < LINKS; number += 1) {
    if (used.has(`${LINK_PREFIX}${number}`)) continue;
    const at = (last: number) => `${range}.${(number * 4) >> 8}.${((number * 4) & 255) + last}`;
    const name = `${LINK_PREFIX}${number}`;
    yield { name, id: `${name}:${randomBytes(4).toString("hex")}`, gateway: at(1), address: at(2) };
  }
}

/** Our devices in the network namespace that we are in (proc_pid_net(5), dev). */
export function linkNames(devices = readFileSync("/proc/net/dev", "latin1")): string[] {
  return [...devices.matchAll(/^\s*(lam\d+):/gm)].map(([, name]) => name!);
}

/** The device's name in a link's ID. */
export function nameOfLink(id: string): string {
  return id.split(":", 1)[0]!;
}

/** Destination and mask are hexadecimal, the address's first byte last (proc_pid_net(5), route). The default route is none. */
function hasRouteInto(range: string, routes: string): boolean {
  const [a, b] = range.split(".").map(Number);
  const start = (a! << 24) | (b! << 16);
  return routes.split("\n").slice(1).some((line) => {
    const [device = "", destination = "", , , , , , mask = ""] = line.split("\t");
    if (mask === "" || device.startsWith(LINK_PREFIX) || mask === "00000000") return false;
    const common = swapped(mask) & 0xffff0000;
    return (swapped(destination) & common) === (start & common);
  });
}

function swapped(hex: string): number {
  return Buffer.from(hex, "hex").readInt32LE(0);
}
