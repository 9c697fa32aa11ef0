import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, reasonOf } from "../../base/failure.ts";
import { hideCgroups } from "../../sandbox/cgroups.ts";
import { LowerMounts } from "../../sandbox/lower-mounts.ts";
import { mountOverlay } from "../../sandbox/overlay.ts";
import { shareLock } from "../../sys/files.ts";
import { unmount } from "../../sys/mounts.ts";
import { bootId } from "../../sys/process-identity.ts";
import { ContainerError } from "../container-error.ts";
import { containerFiles, readRun } from "../container.ts";
import { writeAtomically } from "../containers.ts";
import { launchFiles, type LaunchFailure, type LaunchPlan } from "../launch-plan.ts";
import type { RunRecord } from "../record.ts";
import { accompany } from "./accompany.ts";
import { writeBundle } from "./bundle.ts";
import { openContainerNetwork, type StartedNetwork } from "./container-network.ts";
import { createContainer, startCreated, startMonitor, type Created } from "./monitor.ts";
import { Streams } from "./streams.ts";

/** Held open until we end: {@link shareLock}. */
let watch: number | undefined;

/**
 * Runs inside the container's mount (and user) namespace: mounts its files, writes the bundle, and has conmon create
 * the container; with conmon the namespaces live on. For a container in the foreground it stays as long as that one
 * does, carries its streams, and ends with its exit code.
 */
async function launch(plan: LaunchPlan): Promise<number> {
  const { directory } = plan;
  if (plan.cgroup === undefined) hideCgroups();
  forgetLastRun(directory);
  for (const name of [containerFiles.bundle, containerFiles.exit]) mkdirSync(join(directory, name), { mode: 0o700 });
  const network = await openContainerNetwork(plan, process.env);
  try {
    return await launchIn(network, plan);
  } catch (error) {
    if (readRun(directory) === undefined) await network[Symbol.asyncDispose]();
    throw error;
  }
}

async function launchIn(network: StartedNetwork, plan: LaunchPlan): Promise<number> {
  const { directory, record, attach } = plan;
  if (network.notice !== undefined) process.stderr.write(`${network.notice}\n`);
  const conmon = startMonitor(plan, network); // while we mount and write
  try {
    const { merged } = mountOverlay({ ...new LowerMounts(plan.mounts).stack(plan.lowers), directory, dialect: plan.dialect });
    writeBundle(plan, merged, network);
  } catch (error) {
    conmon.kill("SIGKILL"); // told nothing, it would go on when we end
    throw error;
  }
  watch = openSync(join(directory, launchFiles.watched), "w");
  shareLock(watch);
  const created = await createContainer(plan, conmon);
  network.handOver();
  const streams = attach === undefined ? undefined : new Streams(join(directory, containerFiles.bundle), attach);
  writeRun(plan, created, network); // from here `ps` knows of it, whatever becomes of us
  await startCreated(plan, created);
  if (streams === undefined) return 0;
  const { code, ended } = await accompany({ ...plan, ...created }, streams);
  if (ended && record.autoRemove) remove(plan);
  return code;
}

/** What an earlier run left that would be taken for this one's. */
function forgetLastRun(directory: string): void {
  const { run, exit, oom, bundle, state } = containerFiles;
  const { plan: _, ...others } = launchFiles;
  for (const name of [run, exit, oom, bundle, state, ...Object.values(others)]) rmSync(join(directory, name), { recursive: true, force: true });
}

function writeRun({ directory, runtime, cgroup }: LaunchPlan, { monitor, init }: Created, { said, ports, helpers }: StartedNetwork): void {
  const run: RunRecord = {
    boot: bootId(),
    monitor,
    init,
    startedAt: Date.now(),
    runtime,
    ...(cgroup === undefined ? {} : { cgroup }),
    network: said,
    ports,
    helpers,
  };
  writeAtomically(join(directory, containerFiles.run), JSON.stringify(run));
}

/** What conmon's {@link cleanUpCommand} would do once we are gone; done when `run` ends. The name's link is left to who made it. */
function remove({ directory }: LaunchPlan): void {
  unmount(join(directory, containerFiles.merged), { lazy: true });
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 }); // conmon is still writing its last files
}

if (import.meta.main) void main();

async function main(): Promise<void> {
  const plan = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as LaunchPlan;
  let code = 125;
  try {
    code = await launch(plan);
  } catch (error) {
    const failure: LaunchFailure = { started: error instanceof ContainerError && error.code === "monitor-lost", code: error instanceof Failure ? error.code : "cannot-start", message: reasonOf(error), ...(error instanceof Failure && error.hint !== undefined ? { hint: error.hint } : {}) };
    if (existsSync(plan.directory)) writeFileSync(join(plan.directory, launchFiles.failure), JSON.stringify(failure));
  }
  process.exit(code);
}
