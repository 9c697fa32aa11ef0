import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../base/failure.ts";
import { NetworkTimeout, networkTools, openPrivateNetwork, proxyOnLoopback, type NetworkTool, type PrivateNetwork } from "../network.ts";
import type { SpecNetwork } from "../runtime-spec.ts";
import type { StepNetwork, StepSpec } from "../step.ts";
import { NetworkMemory } from "./network-memory.ts";

/** A step's network while it runs. */
export interface OpenNetwork extends AsyncDisposable {
  readonly spec: SpecNetwork;
  readonly said: StepNetwork;
  readonly nameservers: readonly string[];
}

const NOTHING = { nameservers: [], [Symbol.asyncDispose]: async () => {} };

/** Gives steps their networks; a tool that failed once is not tried again while the worker lives. */
export class StepNetworks {
  readonly #env: NodeJS.ProcessEnv;
  readonly #root: string;
  readonly #memory: NetworkMemory;
  #tools: NetworkTool[];
  #reason: string | undefined;

  /** `root` is the store's. */
  constructor(env: NodeJS.ProcessEnv, root: string) {
    const found = networkTools(env);
    this.#env = env;
    this.#root = root;
    this.#memory = new NetworkMemory(root);
    this.#tools = found.tools.filter((tool) => !this.#memory.hung(tool));
    this.#reason = found.reason ?? (this.#tools.length === 0 ? `${found.tools.map(({ kind }) => kind).join(" and ")} did not come up when last tried` : undefined);
  }

  async open(step: Pick<StepSpec, "network" | "env">, directory: string): Promise<OpenNetwork> {
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
    const made = await this.#openPrivate(directory);
    if (made === undefined) {
      return hostNetwork(this.#reason ?? "no tool for a private network works");
    }
    return { spec: { kind: "path", path: made.path }, said: { kind: "private" }, nameservers: made.nameservers, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() };
  }

  /** Whether a private network can be had, found out by making one. */
  async probe(): Promise<StepNetwork> {
    const directory = mkdtempSync(join(this.#root, "network-"));
    try {
      await using network = await this.open({ network: "default", env: [] }, directory);
      return network.said;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  async #openPrivate(directory: string): Promise<PrivateNetwork | undefined> {
    for (let tool = this.#tools[0]; tool !== undefined; tool = this.#tools[0]) {
      try {
        return await openPrivateNetwork(tool, directory, this.#env);
      } catch (error) {
        if (error instanceof NetworkTimeout) this.#memory.noteHung(tool);
        this.#reason = reasonOf(error);
        this.#tools = this.#tools.filter((other) => other !== tool);
      }
    }
    return undefined;
  }
}

function hostNetwork(reason: string): OpenNetwork {
  return { ...NOTHING, spec: { kind: "host" }, said: { kind: "host", reason } };
}
