import { readFileSync, statfsSync } from "node:fs";
import { arch, availableParallelism, release, totalmem } from "node:os";
import { reasonOf } from "../base/failure.ts";
import { goArchitecture } from "../oci/platform.ts";
import type { SandboxFacts } from "../sandbox/step.ts";
import { cacheLimits } from "./cache-limits.ts";
import type { CacheLimits } from "./choose-parts.ts";
import type { Laminate } from "./laminate.ts";

/** What this machine offers and where things are kept. */
export interface Info {
  readonly root: string;
  readonly freeBytes: number;
  readonly images: number;
  /** Within what the build cache is kept after builds; undefined where it is not, a problem where LAMINATE_CACHE_LIMIT cannot be read. */
  readonly cacheLimit: CacheLimits | { readonly problem: string } | undefined;
  readonly containers: Readonly<Record<"total" | "running" | "stopped", number>>;
  readonly rootless: boolean;
  /** What a RUN step or container gets; or why there can be none. */
  readonly sandbox: SandboxFacts | { readonly problem: string; readonly hint?: string };
  readonly kernel: string;
  readonly system: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly node: string;
}

/** Looks at the store and the machine; a sandbox is started to see what it can do. */
export async function info(laminate: Laminate): Promise<Info> {
  const { store, root } = laminate;
  const { blocks, bavail, bsize } = statfsSync(root);
  return {
    root,
    freeBytes: bavail * bsize,
    cacheLimit: cacheLimits(laminate.env, { size: blocks * bsize }),
    images: store.images.list().length,
    containers: await countContainers(root),
    rootless: process.geteuid?.() !== 0,
    sandbox: await probe(laminate),
    kernel: release(),
    system: systemName(),
    architecture: goArchitecture(arch()),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
}

async function probe({ sandbox }: Laminate): Promise<Info["sandbox"]> {
  try {
    return await sandbox.probe();
  } catch (error) {
    const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
    return { problem: reasonOf(error), ...(hint === undefined ? {} : { hint }) };
  }
}

async function countContainers(root: string): Promise<Info["containers"]> {
  const [{ Containers }, { isUp, stateOf }] = await Promise.all([import("../containers/containers.ts"), import("../containers/container.ts")]);
  const all = new Containers(root).list();
  const running = all.filter((container) => isUp(stateOf(container))).length;
  return { total: all.length, running, stopped: all.length - running };
}

/** PRETTY_NAME of os-release(5). */
function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}
