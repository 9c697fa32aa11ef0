import { mkdirSync, rmSync } from "node:fs";
import { reasonOf } from "../../base/failure.ts";
import { onlyLoopbackNameservers } from "../host-files.ts";
import { SandboxError } from "../sandbox-error.ts";
import { NetworkMemory } from "./memory.ts";
import type { NetworkRequest, PrivateNetwork } from "./network.ts";
import { refuseIpv6 } from "./reserve-ports.ts";
import { networkProviders, type NetworkProvider } from "./providers.ts";
import { NetworkTimeout } from "./tool-process.ts";

export interface PrivateNetworksOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The store's. */
  readonly root: string;
  readonly for: "step" | "container";
  readonly rootless: boolean;
}

/** Private networks by the first provider that works here; one that failed is not tried again by this process, one that hung by none for a day. */
export class PrivateNetworks {
  readonly #memory: NetworkMemory;
  #providers: readonly NetworkProvider[];
  #reason: string | undefined;

  constructor(options: PrivateNetworksOptions) {
    this.#memory = new NetworkMemory(options.root);
    const found = networkProviders(options.env, options);
    this.#providers = found.providers.filter((provider) => !this.#memory.hung(provider));
    this.#reason = found.reason ?? `${found.providers.map(({ kind }) => kind).join(" and ")} did not come up when last tried`;
  }

  /** A network, or why there can be none. Throws {@link SandboxError} `port-taken` or `port-refused`: those are the caller's to hear of. */
  async open(request: NetworkRequest & { readonly ownNameservers?: boolean }): Promise<PrivateNetwork | { readonly reason: string }> {
    if (this.#providers.length > 0) refuseIpv6(request.ports);
    for (const provider of this.#providers) {
      if (request.ownNameservers !== true && provider.kind !== "slirp4netns" && onlyLoopbackNameservers()) {
        this.#reason = "this machine's nameserver listens on its loopback only";
        continue;
      }
      try {
        rmSync(request.directory, { recursive: true, force: true });
        mkdirSync(request.directory, { mode: 0o700 });
        return await provider.open(request);
      } catch (error) {
        if (error instanceof SandboxError && error.code.startsWith("port-")) throw error;
        if (error instanceof NetworkTimeout) this.#memory.noteHung(provider);
        this.#reason = reasonOf(error);
        this.#providers = this.#providers.filter((other) => other !== provider);
      }
    }
    return { reason: this.#reason ?? "no way to a private network is known" };
  }
}
