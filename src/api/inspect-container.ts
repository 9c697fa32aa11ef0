import { join } from "node:path";
import type { Mount } from "../containers/mounts.ts";
import type { Store } from "../store/store.ts";

/** docker's JSON of a container. */
export interface ContainerDescription {
  readonly [key: string]: unknown;
  readonly Id: string;
}

/** A container that is called `name`, or undefined when there is none. */
export async function describeContainer(store: Pick<Store, "root">, name: string): Promise<ContainerDescription | undefined> {
  const [{ Containers }, { isUp, stateOf, pathIn }, { failureExitCode }] = await Promise.all([import("../containers/containers.ts"), import("../containers/container.ts"), import("../containers/container-error.ts")]);
  const container = findOne(new Containers(store.root), name);
  if (container === undefined) return undefined;
  const { record } = container;
  const state = stateOf(container);
  const [path = "", ...args] = [...record.entrypoint, ...record.command];
  return {
    Id: record.id,
    Created: new Date(record.created).toISOString(),
    Path: path,
    Args: args,
    State: describeState(state),
    Image: record.image.id,
    LogPath: pathIn(container, "log"),
    Name: `/${record.name}`,
    HostConfig: {
      NetworkMode: record.network,
      AutoRemove: record.autoRemove,
      ReadonlyRootfs: record.readOnly,
      Privileged: record.privileged,
      Memory: record.limits.memoryBytes ?? 0,
      MemorySwap: record.limits.memorySwapBytes ?? 2 * (record.limits.memoryBytes ?? 0),
      MemoryReservation: record.limits.memoryReservationBytes ?? 0,
      NanoCpus: Math.round((record.limits.cpus ?? 0) * 1e9),
      CpuShares: record.limits.cpuShares ?? 0,
      CpuPeriod: record.limits.cpuPeriod ?? 0,
      CpuQuota: record.limits.cpuQuota ?? 0,
      CpusetCpus: record.limits.cpusetCpus ?? "",
      CpusetMems: record.limits.cpusetMems ?? "",
      PidsLimit: record.limits.pids ?? null,
      OomScoreAdj: record.oomScoreAdj ?? 0,
      ShmSize: record.shmBytes ?? 67_108_864,
      Ulimits: (record.ulimits ?? []).map(({ type, soft, hard }) => ({ Name: type.replace(/^RLIMIT_/, "").toLowerCase(), Hard: hard, Soft: soft })),
      Init: record.init !== undefined,
    },
    Mounts: record.mounts.map((mount, place) => describeMount(mount, place, store.root, container.directory)),
    Config: {
      Hostname: record.hostname,
      User: record.user,
      Tty: record.terminal,
      OpenStdin: record.openStdin,
      Env: record.env,
      Cmd: record.command,
      Entrypoint: record.entrypoint.length === 0 ? null : record.entrypoint,
      Image: record.image.name,
      WorkingDir: record.workingDirectory,
      ExposedPorts: Object.fromEntries(record.exposed.map((port) => [port, {}])),
      Labels: record.labels,
      StopSignal: record.stopSignal,
    },
    NetworkSettings: describeNetwork(record, state),
  };

  type Found = ReturnType<InstanceType<typeof Containers>["find"]>;
  function findOne(containers: InstanceType<typeof Containers>, query: string): Found | undefined {
    try {
      return containers.find(query);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "no-such-container") return undefined;
      throw error;
    }
  }

  /** docker's names; an address is there while the container runs. */
  function describeNetwork({ exposed, network: mode }: typeof record, now: typeof state): Record<string, unknown> {
    const run = isUp(now) ? now.run : undefined;
    const own = { IPAddress: run?.network.address ?? "", Gateway: run?.network.gateway ?? "", IPPrefixLen: run?.network.by === "veth" ? 30 : run?.network.by === "slirp4netns" ? 24 : 0 };
    return { ...own, Ports: describePorts(exposed, run?.ports ?? []), Networks: { [mode === "default" ? "bridge" : mode]: own } };
  }

  function describeState(state: ReturnType<typeof stateOf>): Record<string, unknown> {
    const time = (value: number | undefined): string => (value === undefined ? "0001-01-01T00:00:00Z" : new Date(value).toISOString());
    const running = isUp(state);
    const failure = state.status === "created" ? state.failure : undefined;
    return {
      Status: state.status,
      Running: running,
      Paused: state.status === "paused",
      Restarting: false,
      OOMKilled: state.status === "exited" && state.oomKilled,
      Dead: state.status === "dead",
      Pid: running ? state.run.init.pid : 0,
      ExitCode: state.status === "exited" ? state.exitCode : failure === undefined ? 0 : failureExitCode(failure.code),
      Error: state.status === "dead" ? state.why : (failure?.message ?? ""),
      StartedAt: time(running ? state.run.startedAt : state.status === "created" ? undefined : state.startedAt),
      FinishedAt: time(state.status === "exited" ? state.finishedAt : undefined),
    };
  }
}

/** docker's MountPoint. */
function describeMount(mount: Mount, place: number, root: string, directory: string): Readonly<Record<string, unknown>> {
  const { type, target } = mount;
  const common = { Destination: target, Mode: "", RW: type === "tmpfs" || !mount.readOnly };
  if (type === "tmpfs") return { Type: type, Source: "", ...common, Propagation: "" };
  if (type === "bind") return { Type: type, Source: mount.source, ...common, Propagation: mount.propagation };
  const isOwn = mount.name === "";
  return { Type: type, Name: isOwn ? `${place}` : mount.name, Source: isOwn ? join(directory, "volumes", `${place}`) : join(root, "volumes", mount.name), ...common, Driver: "local", Propagation: "" };
}

interface Binding {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
}

function describePorts(exposed: readonly string[], bindings: readonly Binding[]): Record<string, { readonly HostIp: string; readonly HostPort: string }[] | null> {
  const ports: Record<string, { readonly HostIp: string; readonly HostPort: string }[] | null> = Object.fromEntries(exposed.map((port) => [port, null]));
  for (const { hostIp, hostPort, containerPort, protocol } of bindings) {
    const key = `${containerPort}/${protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: hostIp || "0.0.0.0", HostPort: String(hostPort) }];
  }
  return ports;
}
