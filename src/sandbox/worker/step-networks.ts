import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { mount, MOUNT } from "../../sys/mounts.ts";
import type { PrivateNetwork } from "../network/network.ts";
import { PrivateNetworks, type PrivateNetworksOptions } from "../network/private-networks.ts";
import { proxyOnLoopback } from "../network/providers.ts";
import type { SpecNetwork } from "../runtime-spec.ts";
import type { StepNetwork, StepSpec } from "../step.ts";

/** A step's network while it runs. */
export interface OpenNetwork extends AsyncDisposable {
  readonly spec: SpecNetwork;
  readonly said: StepNetwork;
  readonly nameservers: readonly string[];
  /** Where this machine answers. */
  readonly gateway?: string;
}

const NOTHING = { nameservers: [], [Symbol.asyncDispose]: async () => {} };

/**
 * Gives steps their networks. A private one is used again by a later step of the same worker: no process and no socket
 * of the earlier is left in it, and no step may change it (net/… of sysctl is read-only to it).
 */
export class StepNetworks implements AsyncDisposable {
  readonly #networks: PrivateNetworks;
  readonly #env: NodeJS.ProcessEnv;
  readonly #directory: string;
  readonly #idle: PrivateNetwork[] = [];
  readonly #all = new Set<PrivateNetwork>();
  #count = 0;

  constructor(options: Omit<PrivateNetworksOptions, "for">) {
    this.#networks = new PrivateNetworks({ ...options, for: "step" });
    this.#env = options.env;
    this.#directory = join(options.root, "network");
  }

  async open(step: Pick<StepSpec, "network" | "env">): Promise<OpenNetwork> {
    if (step.network === "none") {
      return { ...NOTHING, spec: { kind: "new" }, said: { kind: "none" } };
    }
    if (step.network === "host") {
      return { ...NOTHING, spec: { kind: "host" }, said: { kind: "host" } };
    }
    const proxy = proxyOnLoopback(step.env);
    if (proxy !== undefined) {
      return hostNetwork(`${proxy} names a proxy on this machine's loopback`);
    }
    const network = this.#takeIdle() ?? (await this.#openPrivate());
    if ("reason" in network) return hostNetwork(network.reason);
    const { path, nameservers, gateway } = network;
    return {
      spec: { kind: "path", path },
      said: { kind: "private", by: network.kind },
      nameservers,
      ...(gateway === undefined ? {} : { gateway }),
      [Symbol.asyncDispose]: async () => void this.#idle.push(network),
    };
  }

  /** Whether a private network can be had, found out by making one. */
  async probe(): Promise<StepNetwork> {
    await using network = await this.open({ network: "default", env: [] });
    return network.said;
  }

  /** Ends all of them. Needed for those that leave rules on this machine; the others go with the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#all].map((network) => network[Symbol.asyncDispose]()));
    this.#all.clear();
  }

  #takeIdle(): PrivateNetwork | undefined {
    for (let network = this.#idle.pop(); network !== undefined; network = this.#idle.pop()) {
      if (network.helper === undefined || lives(network.helper)) return network;
    }
    return undefined;
  }

  async #openPrivate(): Promise<PrivateNetwork | { readonly reason: string }> {
    if (this.#count === 0) mountPrivately(this.#directory);
    this.#count += 1;
    const network = await this.#networks.open({ directory: join(this.#directory, `${this.#count}`), env: this.#env, ports: [] });
    if (!("reason" in network)) this.#all.add(network);
    return network;
  }
}

/** In our own mount namespace only: what is made there is seen by nobody else and goes with us. */
function mountPrivately(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  mount("tmpfs", directory, "tmpfs", MOUNT.nosuid | MOUNT.nodev | MOUNT.noexec, "mode=0700");
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function hostNetwork(reason: string): OpenNetwork {
  return { ...NOTHING, spec: { kind: "host" }, said: { kind: "host", reason } };
}
