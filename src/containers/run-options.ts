import { release } from "node:os";
import { goArchitecture } from "../oci/platform.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { Digest } from "../oci/digest.ts";
import { chooseCapabilities, ALL_CAPABILITIES } from "../sandbox/capabilities.ts";
import type { HostEntry } from "../sandbox/host-files.ts";
import type { NetworkMode } from "../sandbox/network/network.ts";
import type { SpecLimit } from "../sandbox/runtime-spec.ts";
import { ContainerError } from "./container-error.ts";
import type { DeviceMapping } from "./devices.ts";
import type { Limits } from "./limits.ts";
import type { Mount } from "./mounts.ts";
import { parseExposed, type PublishedPort } from "./ports.ts";
import type { ContainerRecord } from "./record.ts";
import { seccompProfile } from "./seccomp-profile.ts";

/** What `run` says beside the image; each as docker's flag of the name. */
export interface RunOptions {
  readonly command: readonly string[];
  /** One word; "" takes the image's away. */
  readonly entrypoint?: string;
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly terminal: boolean;
  readonly interactive: boolean;
  /** Whether it is to be in the foreground. */
  readonly attach?: unknown;
  readonly hostname?: string;
  readonly network: NetworkMode;
  readonly addHosts: readonly HostEntry[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly mounts: readonly Mount[];
  readonly publish: readonly PublishedPort[];
  readonly publishAll: boolean;
  readonly expose: readonly string[];
  readonly readOnly: boolean;
  readonly privileged: boolean;
  readonly noNewPrivileges: boolean;
  readonly seccomp: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly autoRemove: boolean;
  readonly init?: string;
  readonly runtime?: string;
  readonly shmBytes?: number;
  readonly limits: Limits;
  readonly ulimits?: readonly SpecLimit[];
  readonly oomScoreAdj?: number;
  readonly groups: readonly string[];
  readonly devices: readonly DeviceMapping[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly pidMode?: "host";
  readonly ipcMode?: "host";
  readonly stopTimeout?: number;
  /** A seccomp profile as docker reads it. */
  readonly seccompText?: string;
}

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a container of an image is, its options laid over the image's config (docker run, Overriding image defaults). */
export function containerRecord(image: { readonly id: Digest; readonly name: string; readonly config: ImageConfig }, options: RunOptions): (id: string, name: string) => ContainerRecord {
  const config = image.config.config ?? {};
  const entrypoint = options.entrypoint === undefined ? (config.Entrypoint ?? []) : options.entrypoint === "" ? [] : [options.entrypoint];
  const command = options.command.length > 0 ? options.command : options.entrypoint === undefined ? (config.Cmd ?? []) : [];
  if (entrypoint.length + command.length === 0) {
    throw new ContainerError("no-command", "No command specified.", { hint: "give one after the image's name" });
  }
  const capabilities = chooseCapabilities(options.capAdd, options.capDrop);
  if (capabilities.unknown.length > 0) {
    throw new ContainerError("bad-option", `invalid CapAdd or CapDrop: unknown capability: "${capabilities.unknown[0]}"`);
  }
  const exposed = [...new Set([...Object.keys(config.ExposedPorts ?? {}), ...options.expose])].flatMap(parseExposed);
  const all = options.publishAll ? exposed.filter((port) => !options.publish.some((one) => one.containerPort === port.containerPort && one.protocol === port.protocol)) : [];
  const targets = new Set(options.mounts.map(({ target }) => target));
  const volumes = Object.keys(config.Volumes ?? {}).filter((target) => !targets.has(target));
  const held = options.privileged ? ALL_CAPABILITIES : capabilities.chosen;
  const profile = options.seccompText === undefined ? undefined : seccompProfile(options.seccompText, { capabilities: held, architecture: goArchitecture(process.arch), kernel: release() });
  return (id, name) => {
    const hostname = options.hostname ?? id.slice(0, 12);
    return {
      version: 1,
      id,
      name,
      created: Date.now(),
      image: { id: image.id, name: image.name },
      layers: image.config.rootfs.diff_ids,
      entrypoint,
      command,
      env: environment(config.Env ?? [], options, hostname),
      workingDirectory: options.workdir ?? (config.WorkingDir || "/"),
      user: options.user ?? config.User ?? "",
      terminal: options.terminal,
      openStdin: options.interactive,
      stdinOnce: options.interactive && options.attach !== undefined,
      hostname,
      network: options.network,
      addHosts: options.addHosts,
      ...(options.dns.length === 0 ? {} : { dns: options.dns }),
      ...(options.dnsSearch.length === 0 ? {} : { dnsSearch: options.dnsSearch }),
      mounts: [...options.mounts, ...volumes.map((target): Mount => ({ type: "volume", name: "", target, readOnly: false }))],
      publish: [...options.publish, ...all.map((port) => ({ ...port, hostIp: "", hostPort: 0 }))],
      exposed: exposed.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
      readOnly: options.readOnly,
      privileged: options.privileged,
      noNewPrivileges: options.noNewPrivileges,
      seccomp: options.seccomp,
      capabilities: held,
      labels: { ...config.Labels, ...options.labels },
      stopSignal: options.stopSignal ?? config.StopSignal ?? "SIGTERM",
      autoRemove: options.autoRemove,
      ...(options.init === undefined ? {} : { init: options.init }),
      ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      ...(options.shmBytes === undefined ? {} : { shmBytes: options.shmBytes }),
      limits: options.limits,
      ...(options.ulimits === undefined ? {} : { ulimits: options.ulimits }),
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
      groups: options.groups,
      devices: options.devices,
      sysctls: options.sysctls,
      annotations: options.annotations,
      ...(options.pidMode === undefined ? {} : { pidMode: options.pidMode }),
      ...(options.ipcMode === undefined ? {} : { ipcMode: options.ipcMode }),
      ...(options.stopTimeout === undefined ? {} : { stopTimeout: options.stopTimeout }),
      ...(profile === undefined ? {} : { seccompProfile: profile }),
    };
  };
}

/** Later ones replace earlier ones; docker's own come first. */
function environment(image: readonly string[], options: RunOptions, hostname: string): string[] {
  const lines = [PATH, `HOSTNAME=${hostname}`, ...(options.terminal ? ["TERM=xterm"] : []), ...image, ...options.env];
  return [...new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line])).values()];
}
