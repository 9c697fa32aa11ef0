import { closeSync, openSync } from "node:fs";
import { errnoOf } from "../../base/failure.ts";
import { findCommand } from "../search-path.ts";
import type { NetworkKind, NetworkRequest, PrivateNetwork } from "./network.ts";
import { openPasta } from "./pasta.ts";
import { openSlirp } from "./slirp.ts";
import { openVeth } from "./veth.ts";

/** One way to a private network on this machine. */
export interface NetworkProvider {
  readonly kind: NetworkKind;
  /** The command that has to be there. */
  readonly path: string;
  open(request: NetworkRequest): Promise<PrivateNetwork>;
}

/**
 * The ways worth trying, in order; `reason` says why there are none. Quick, starts nothing. A RUN step takes the programs
 * first: they are up as fast, and change nothing on this machine, not for a moment. A container as root takes the kernel's
 * way first: many times the throughput, and no process.
 */
export function networkProviders(env: NodeJS.ProcessEnv, use: { readonly for: "step" | "container"; readonly rootless: boolean }): { readonly providers: readonly NetworkProvider[]; readonly reason?: string } {
  const slirp = command("slirp4netns", env);
  const pasta = command("pasta", env);
  const tun = tunProblem(); // both programs open /dev/net/tun, which on some machines only root may
  const programs = tun === undefined ? [slirp, pasta].flatMap((one) => one ?? []) : [];
  const kernel = use.rootless ? undefined : vethCommand(env);
  const [first, second] = use.for === "container" ? [kernel, programs[0]] : [programs[0], kernel];
  const providers = [first, second, ...programs.slice(1)].flatMap((one) => one ?? []);
  if (providers.length > 0) return { providers };
  return { providers, reason: slirp === undefined && pasta === undefined ? `${use.rootless ? "neither slirp4netns nor" : "none of iptables, slirp4netns and"} pasta is installed` : (tun ?? "no way to a private network is known") };
}

function command(kind: "slirp4netns" | "pasta", env: NodeJS.ProcessEnv): NetworkProvider | undefined {
  const path = findCommand(kind, env);
  return path === undefined ? undefined : { kind, path, open: (request) => (kind === "pasta" ? openPasta : openSlirp)(path, request) };
}

function vethCommand(env: NodeJS.ProcessEnv): NetworkProvider | undefined {
  const path = findCommand("iptables-restore", env);
  return path === undefined || findCommand("ip", env) === undefined ? undefined : { kind: "veth", path, open: openVeth };
}

function tunProblem(): string | undefined {
  try {
    closeSync(openSync("/dev/net/tun", "r+"));
    return undefined;
  } catch (error) {
    return `/dev/net/tun cannot be opened (${errnoOf(error)})`;
  }
}

/** A proxy on the host's loopback cannot be reached from a private network; such a step gets the host's. */
export function proxyOnLoopback(env: readonly string[]): string | undefined {
  return env.find((line) => /^(https?|ftp|all)_proxy=([a-z0-9]+:\/\/)?([^@/]*@)?(localhost|127\.|\[::1\])/i.test(line))?.split("=")[0];
}
