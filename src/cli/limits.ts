import { availableParallelism } from "node:os";
import type { Limits } from "../containers/limits.ts";
import type { SpecLimit } from "../sandbox/runtime-spec.ts";
import { nearest } from "../base/nearest.ts";
import { parseBytes } from "./parse-bytes.ts";
import type { FlagValues } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** The flags of `run` and `create` that bound what a container takes. */
export const limitFlags = {
  memory: { kind: "string", short: "m", value: "BYTES", summary: "Memory limit" },
  "memory-swap": { kind: "string", value: "BYTES", summary: "Limit of memory and swap together; -1 is no limit (default: twice the memory)" },
  "memory-reservation": { kind: "string", value: "BYTES", summary: "Memory that it is pushed back to when memory is short" },
  cpus: { kind: "string", value: "NUMBER", summary: "Processor limit: 1.5 is one and a half processors" },
  "cpu-shares": { kind: "number", short: "c", value: "WEIGHT", summary: "Share of the processors where they are short (default: 1024)" },
  "cpu-period": { kind: "number", value: "MICROSECONDS", summary: "Period in which the quota may be used" },
  "cpu-quota": { kind: "number", value: "MICROSECONDS", summary: "Processor time in each period" },
  "cpuset-cpus": { kind: "string", value: "LIST", summary: "The processors to use: 0-3 or 0,1" },
  "cpuset-mems": { kind: "string", value: "LIST", summary: "The memory nodes to use: 0-3 or 0,1" },
  "pids-limit": { kind: "number", value: "NUMBER", summary: "Limit of processes and threads; -1 is no limit" },
  ulimit: { kind: "list", value: "NAME=SOFT[:HARD]", summary: "Resource limit of each process: nofile=1024:4096" },
  "oom-score-adj": { kind: "number", value: "NUMBER", summary: "How gladly it is killed when memory runs out: -1000 to 1000" },
  "shm-size": { kind: "string", value: "BYTES", summary: "Size of /dev/shm (default: 64m)" },
} as const;

const { "memory-reservation": _reservation, cpus: _cpus, "pids-limit": _pids, "oom-score-adj": _oom, ...stepLimits } = limitFlags;
/** Those of docker's `build`. */
export const stepLimitFlags = stepLimits;

type Values = FlagValues<typeof limitFlags>;
type Given = Partial<Values> & Pick<Values, "ulimit">;

const LEAST_MEMORY = 6 << 20;

/** Reads the flags of {@link limitFlags}. Throws UsageError with docker's words. */
export function limitsFrom(values: Given): { readonly limits: Limits; readonly ulimits?: readonly SpecLimit[]; readonly oomScoreAdj?: number; readonly shmBytes?: number } {
  const limits: Limits = { ...memoryLimits(values), ...cpuLimits(values), ...pidsLimit(values["pids-limit"]) };
  const { ulimit, "oom-score-adj": oomScoreAdj, "shm-size": shm } = values;
  if (oomScoreAdj !== undefined && !(Number.isInteger(oomScoreAdj) && oomScoreAdj >= -1000 && oomScoreAdj <= 1000)) {
    fail(`Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  return {
    limits,
    ...(ulimit.length === 0 ? {} : { ulimits: ulimit.map(parseUlimit) }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(shm === undefined ? {} : { shmBytes: parseBytes(shm, "--shm-size") }),
  };
}

function memoryLimits(values: Given): Limits {
  const bytes = (flag: "memory" | "memory-reservation" | "memory-swap") => (values[flag] === undefined ? undefined : parseBytes(values[flag], `--${flag}`));
  const [memory, reservation] = [bytes("memory"), bytes("memory-reservation")];
  const swap = values["memory-swap"] === "-1" ? -1 : bytes("memory-swap");
  if (memory !== undefined && memory > 0 && memory < LEAST_MEMORY) fail("Minimum memory limit allowed is 6MB");
  if (swap !== undefined && swap > 0 && !memory) fail("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (memory && swap !== undefined && swap > 0 && swap < memory) fail("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (memory && reservation && memory < reservation) fail("Minimum memory limit can not be less than memory reservation limit, see usage");
  return { ...(memory ? { memoryBytes: memory } : {}), ...(swap ? { memorySwapBytes: swap } : {}), ...(reservation ? { memoryReservationBytes: reservation } : {}) };
}

function cpuLimits(values: Given): Limits {
  const { "cpu-shares": cpuShares, "cpu-period": cpuPeriod, "cpu-quota": cpuQuota, "cpuset-cpus": cpusetCpus, "cpuset-mems": cpusetMems } = values;
  const cpus = values.cpus === undefined ? undefined : Number(values.cpus);
  const most = availableParallelism();
  if (cpus !== undefined && !(values.cpus!.trim() !== "" && cpus >= 0)) fail(`invalid argument "${values.cpus}" for "--cpus" flag: it is a number of processors, as 1.5`);
  if (cpus && (cpus < 0.01 || cpus > most)) fail(`Range of CPUs is from 0.01 to ${most}.00, as there are only ${most} CPUs available`);
  if (cpus && (cpuPeriod || cpuQuota)) fail(`Conflicting options: Nano CPUs and CPU ${cpuPeriod ? "Period" : "Quota"} cannot both be set`);
  if (cpuPeriod && (cpuPeriod < 1000 || cpuPeriod > 1_000_000)) fail("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (cpuQuota && cpuQuota > 0 && cpuQuota < 1000) fail("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  for (const [name, list] of [["cpuset-cpus", cpusetCpus], ["cpuset-mems", cpusetMems]] as const) {
    if (list && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list)) fail(`Invalid value ${list} for ${name}`);
  }
  return {
    ...(cpus ? { cpus } : {}),
    ...(cpuShares ? { cpuShares } : {}),
    ...(cpuPeriod ? { cpuPeriod } : {}),
    ...(cpuQuota ? { cpuQuota } : {}),
    ...(cpusetCpus ? { cpusetCpus } : {}),
    ...(cpusetMems ? { cpusetMems } : {}),
  };
}

/** docker: 0 is no limit, as -1. */
function pidsLimit(pids: number | undefined): Limits {
  return pids === undefined || pids === 0 ? {} : { pids };
}

const ULIMITS = ["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"];
/** Reads docker's `--ulimit`: `nofile=1024:4096`; one number is both, -1 is unlimited. */
function parseUlimit(text: string): SpecLimit {
  const found = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text);
  if (found === null) return fail(`invalid argument "${text}" for "--ulimit" flag: write it as nofile=1024:4096`);
  const [, name = "", soft = "", hard = soft] = found;
  if (!ULIMITS.includes(name)) {
    const meant = nearest(name, ULIMITS);
    return fail(`invalid argument "${text}" for "--ulimit" flag: invalid ulimit type: ${name}`, meant === undefined ? `known are ${ULIMITS.join(", ")}` : `did you mean ${meant}?`);
  }
  if (hard !== "-1" && (soft === "-1" || Number(soft) > Number(hard))) {
    return fail(`invalid argument "${text}" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: Number(soft), hard: Number(hard) };
}

function fail(message: string, hint?: string): never {
  throw new UsageError("bad-value", message, hint === undefined ? {} : { hint });
}
