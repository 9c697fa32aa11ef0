import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { diffDirectory } from "../../store/layers/diff-directory.ts";
import { ALL_CAPABILITIES, boundingCapabilities } from "../capabilities.ts";
import { hostFiles } from "../host-files.ts";
import type { LowerMounts } from "../lower-mounts.ts";
import { mountOverlay } from "../overlay.ts";
import { resolveInRootfs } from "../rootfs-path.ts";
import { runtimeSpec, specText, STANDARD_MOUNT_POINTS, type SpecLimit } from "../runtime-spec.ts";
import type { Runtime } from "../runtime.ts";
import type { StepLayer, StepResult, StepSpec, WorkerHooks } from "../step.ts";
import { lookUpAccount } from "../user.ts";
import { runContainer } from "./container.ts";
import { findMissingMountPoints, makeStaying, removeMountPoints } from "./mount-points.ts";
import { removeTrees } from "./remove-tree.ts";
import { mountMemory, openMounts, release } from "./step-mounts.ts";
import { traceReads, type ReadTrace } from "./trace-reads.ts";
import type { StepNetworks } from "./step-networks.ts";

export interface StepTools {
  readonly runtime: Runtime;
  readonly dialect: "trusted" | "user";
  readonly rootless: boolean;
  readonly networks: StepNetworks;
  readonly lowers: LowerMounts;
  readonly env: NodeJS.ProcessEnv;
}

/** The same on every machine, as some packages write the host's name into files. */
const HOSTNAME = "laminate";

/**
 * Mounts the layers, runs the step's command in a container over them and, if it ended with 0, makes a layer of what it changed.
 * Of the scratch directory only the layer's files remain; after a failure nothing does.
 */
export async function runStep(step: StepSpec, tools: StepTools, hooks: WorkerHooks): Promise<StepResult> {
  let keep: readonly string[] = [];
  try {
    hooks.signal.throwIfAborted();
    const ran = await runInOverlay(step, tools, hooks);
    if (ran.exitCode !== 0) return { exitCode: ran.exitCode, network: ran.network };
    hooks.signal.throwIfAborted();
    const layer = await layerOf(ran.upper, step, tools);
    keep = ["upper", "layer.tar", "layer.index"];
    return { exitCode: 0, network: ran.network, layer, ...(ran.reads === undefined ? {} : { reads: ran.reads }) };
  } finally {
    const made = ["upper", "work", "merged", "lower", "empty", "bundle", "mounts", "layer.tar", "layer.index"];
    await removeTrees(made.filter((name) => !keep.includes(name)).map((name) => join(step.scratch, name)));
  }
}

async function runInOverlay(step: StepSpec, tools: StepTools, hooks: WorkerHooks): Promise<Pick<StepResult, "exitCode" | "network" | "reads"> & { upper: string }> {
  const { upper, merged } = mountOverlay({ ...tools.lowers.stack(step.lowers), directory: step.scratch, dialect: tools.dialect, volatile: true });
  const bundle = join(step.scratch, "bundle");
  const ran = await (async () => {
    try {
      makeWorkingDirectory(merged, step.cwd);
      await using _bundle = makeBundle(bundle, step);
      return await runOver(merged, bundle, step, tools, hooks);
    } finally {
      release(merged);
    }
  })();
  removeMountPoints(upper, ran.missing);
  return { ...ran, upper };
}

/** The runtime writes the environment into it: where that holds secrets it lies in memory. */
function makeBundle(bundle: string, { secretEnv = [] }: StepSpec): AsyncDisposable {
  mkdirSync(bundle, { mode: 0o700 });
  if (secretEnv.length > 0) mountMemory(bundle);
  return {
    async [Symbol.asyncDispose]() {
      if (secretEnv.length > 0) release(bundle);
    },
  };
}

async function runOver(merged: string, bundle: string, step: StepSpec, tools: StepTools, hooks: WorkerHooks) {
  const hostname = step.hostname ?? HOSTNAME;
  const account = lookUpAccount(merged, step.user);
  await using network = await tools.networks.open(step);
  const files = hostFiles({
    directory: bundle,
    hostname,
    names: ["resolv.conf", "hosts"], // as in BuildKit: a step may well write the image's /etc/hostname
    loopbackIsHost: network.spec.kind === "host",
    nameservers: network.nameservers,
    ...(network.gateway === undefined ? {} : { gateway: network.gateway }),
    ...(step.addHosts === undefined ? {} : { addHosts: step.addHosts }),
  });
  await using opened = await openMounts(step.mounts ?? [], { rootfs: merged, directory: join(step.scratch, "mounts"), dialect: tools.dialect, lowers: tools.lowers });
  const mounts = [...files, ...opened.mounts];
  const missing = findMissingMountPoints(merged, [...STANDARD_MOUNT_POINTS, ...mounts.map(({ destination }) => destination)]);
  makeStaying(merged, missing);
  const { argv, cwd } = step;
  const env = [...step.env, ...(step.secretEnv ?? [])];
  await using cgroup = openCgroup(step);
  const bounds = { limits: limitsOf(step.bounds?.ulimits), ...(step.bounds?.shmBytes === undefined ? {} : { shmBytes: step.bounds.shmBytes }), ...cgroup.spec };
  const spec = runtimeSpec({ rootfs: merged, args: argv, env, cwd, account, hostname, network: network.spec, rootless: tools.rootless, mounts, runtime: tools.runtime.kind, ...bounds, ...(step.insecure === true ? unconfined() : {}) });
  writeFileSync(join(bundle, "config.json"), specText(spec));
  const container = { runtime: tools.runtime, bundle, env: tools.env, program: argv[0] ?? "", cgroup: cgroup.spec !== undefined };
  const trace = step.trace === true ? traceReads(merged) : undefined;
  try {
    return { exitCode: await runContainer(container, hooks), network: network.said, missing, ...reads(trace) };
  } catch (error) {
    trace?.end();
    throw error;
  }
}

function reads(trace: ReadTrace | undefined): Pick<StepResult, "reads"> {
  return trace === undefined ? {} : { reads: trace.end() };
}

/** All that this process could give itself: as an ordinary user that is what its user namespace has. */
function unconfined(): { readonly privileged: true; readonly capabilities: readonly string[] } {
  const had = boundingCapabilities();
  return { privileged: true, capabilities: ALL_CAPABILITIES.filter((name) => had.has(name)) };
}

/** crun refuses a working directory that is not there, runc makes it; Docker makes it. */
function makeWorkingDirectory(merged: string, cwd: string): void {
  const found = resolveInRootfs(merged, cwd);
  if (!found.exists) mkdirSync(merged + found.path, { recursive: true, mode: 0o755 });
}

/** The runtime makes the cgroup and removes it, unless it was killed. */
function openCgroup({ bounds, scratch, insecure }: StepSpec): AsyncDisposable & { readonly spec?: { readonly cgroupsPath: string; readonly resources: object } } {
  const { cgroup } = bounds ?? {};
  if (cgroup === undefined) return { async [Symbol.asyncDispose]() {} };
  const name = `-${basename(scratch)}`;
  return {
    spec: { cgroupsPath: cgroup.path + name, resources: insecure === true ? { ...cgroup.resources, devices: [{ allow: true, access: "rwm" }] } : cgroup.resources },
    async [Symbol.asyncDispose]() {
      for (const directory of cgroup.directories) removeEmpty(directory + name);
    },
  };
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Gone, as it should be.
  }
}

function limitsOf(asked: readonly SpecLimit[] = []): SpecLimit[] {
  return [...asked, ...openFileLimit().filter(({ type }) => !asked.some((limit) => limit.type === type))];
}

/** Node raises its own soft limit to the hard one, and programs that close every possible file then take minutes. */
function openFileLimit(): SpecLimit[] {
  const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 1024);
  return [{ type: "RLIMIT_NOFILE", soft: Math.min(1024, hard), hard }];
}

async function layerOf(upper: string, step: StepSpec, tools: StepTools): Promise<StepLayer> {
  const tar = join(step.scratch, "layer.tar");
  const index = join(step.scratch, "layer.index");
  const { diffId, size } = await diffDirectory(upper, { dialect: tools.dialect, tarPath: tar, indexPath: index, lowers: tools.lowers.directories(step.lowers) });
  return { directory: upper, tar, index, diffId, size };
}
