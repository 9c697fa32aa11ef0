import type { Digest, DiffId } from "../oci/digest.ts";
import type { HostEntry } from "../sandbox/host-files.ts";
import type { NetworkKind, NetworkMode } from "../sandbox/network/network.ts";
import type { SpecLimit } from "../sandbox/runtime-spec.ts";
import type { DeviceMapping } from "./devices.ts";
import type { Cgroup } from "./cgroup.ts";
import type { Limits } from "./limits.ts";
import type { Mount } from "./mounts.ts";
import type { PortBinding, PublishedPort } from "./ports.ts";
import type { ProcessIdentity } from "../sys/process-identity.ts";

/** What a container is, fixed when it is created: `config.json` of its directory. */
export interface ContainerRecord {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** `name` as the user wrote it. */
  readonly image: { readonly id: Digest; readonly name: string };
  /** Lowest first. */
  readonly layers: readonly DiffId[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** `NAME=value`; HOME is looked up at the start when missing. */
  readonly env: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  /** Standard input closes with the first who fed it: the container was started in the foreground. */
  readonly stdinOnce?: boolean;
  readonly hostname: string;
  readonly network: NetworkMode;
  readonly addHosts: readonly HostEntry[];
  /** Nameservers, and the domains to search, instead of the host's. */
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly mounts: readonly Mount[];
  readonly publish: readonly PublishedPort[];
  /** `8080/tcp`, from the image and `--expose`. */
  readonly exposed: readonly string[];
  readonly readOnly: boolean;
  readonly privileged: boolean;
  readonly noNewPrivileges: boolean;
  readonly seccomp: boolean;
  readonly capabilities: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string;
  /** Seconds; negative is for ever. */
  readonly stopTimeout?: number;
  /** Groups beyond those of the user: names or numbers of the image. */
  readonly groups?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly devices?: readonly DeviceMapping[];
  readonly pidMode?: "host";
  readonly ipcMode?: "host";
  readonly annotations?: Readonly<Record<string, string>>;
  /** A profile instead of ours (OCI runtime-spec, linux.seccomp). */
  readonly seccompProfile?: object;
  readonly autoRemove: boolean;
  /** The init program of this machine that is put before the command. */
  readonly init?: string;
  readonly runtime?: string;
  readonly shmBytes?: number;
  readonly limits: Limits;
  readonly oomScoreAdj?: number;
  /** -1 is unlimited. */
  readonly ulimits?: readonly SpecLimit[];
}

/** Which network a container got, and why it is not a private one when that was asked for. */
export interface ContainerNetwork {
  readonly kind: "private" | "host" | "none";
  readonly reason?: string;
  /** What a private one reaches the outside by. */
  readonly by?: NetworkKind;
  /** The container's address in a private one, and where this machine answers. */
  readonly address?: string;
  readonly gateway?: string;
  /** What has to be given to `endLink` when the container has ended. */
  readonly link?: string;
}

/** One start of a container: `run.json`, written when its process exists and replaced at the next start. */
export interface RunRecord {
  /** Process numbers mean nothing after a reboot. */
  readonly boot: string;
  /** conmon: it holds the namespaces and records the end. */
  readonly monitor: ProcessIdentity;
  /** The container's first process. */
  readonly init: ProcessIdentity;
  readonly startedAt: number;
  readonly runtime: { readonly path: string; readonly kind: "runc" | "crun" };
  readonly cgroup?: Cgroup;
  readonly network: ContainerNetwork;
  readonly ports: readonly PortBinding[];
  /** The network's program, which ends with the container. */
  readonly helpers: readonly ProcessIdentity[];
}
