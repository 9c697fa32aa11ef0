import { deviceNode, type DeviceMapping } from "./devices.ts";

/** Limits on what a container takes, each as docker's flag of the name; undefined is no limit. */
export interface Limits {
  readonly memoryBytes?: number;
  /** Memory and swap together; -1 is no limit on swap. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly cpus?: number;
  readonly cpuShares?: number;
  /** Microseconds. */
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** -1 is no limit. */
  readonly pids?: number;
}

const FLAGS: Readonly<Record<keyof Limits, string>> = {
  memoryBytes: "--memory",
  memorySwapBytes: "--memory-swap",
  memoryReservationBytes: "--memory-reservation",
  cpus: "--cpus",
  cpuShares: "--cpu-shares",
  cpuPeriod: "--cpu-period",
  cpuQuota: "--cpu-quota",
  cpusetCpus: "--cpuset-cpus",
  cpusetMems: "--cpuset-mems",
  pids: "--pids-limit",
};

/** The flags of the limits that are set. */
export function limitsOf(limits: Limits): string[] {
  return (Object.keys(FLAGS) as (keyof Limits)[]).filter((key) => limits[key] !== undefined).map((key) => FLAGS[key]);
}

/** The controllers of cgroup v2 that the limits take. */
export function controllersOf(limits: Limits): string[] {
  const controllers = { "--memory": "memory", "--cpu": "cpu", "--cpuset": "cpuset", "--pids": "pids" };
  const flags = limitsOf(limits);
  return [...new Set(flags.flatMap((flag) => Object.entries(controllers).findLast(([start]) => flag.startsWith(start))?.[1] ?? []))];
}

const PERIOD = 100_000;

/** The `linux.resources` of the runtime spec (config-linux.md, Control groups). Devices are forbidden but for those the runtime always allows, as in docker. */
export function resourcesOf(limits: Limits, { privileged, swapIsCounted, devices }: { readonly privileged: boolean; readonly swapIsCounted: boolean; readonly devices: readonly DeviceMapping[] }): object {
  const { memoryBytes: limit, memoryReservationBytes: reservation, cpuShares: shares, cpusetCpus: cpus, cpusetMems: mems, pids } = limits;
  // docker: as much swap again as memory, unless told.
  const swap = limits.memorySwapBytes ?? (limit === undefined ? undefined : 2 * limit);
  const period = limits.cpus === undefined ? limits.cpuPeriod : PERIOD;
  const quota = limits.cpus === undefined ? limits.cpuQuota : Math.round(limits.cpus * PERIOD);
  return {
    devices: [{ allow: privileged, access: "rwm" }, ...devices.map((mapping) => ({ allow: true, ...numbersOf(mapping), access: mapping.access }))],
    memory: defined({ limit, reservation, swap: swapIsCounted ? swap : undefined }),
    cpu: defined({ shares, period, quota, cpus, mems }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

function numbersOf(mapping: DeviceMapping): object {
  const { type, major, minor } = deviceNode(mapping);
  return { type, major, minor };
}

function defined(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
