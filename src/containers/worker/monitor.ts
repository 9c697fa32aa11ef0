import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "../../base/failure.ts";
import { cgroupFlags, logFlags } from "../../sandbox/runtime.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../../sys/process-identity.ts";
import { cleanUpCommand } from "../clean-up.ts";
import { containerFiles } from "../container.ts";
import { launchFiles, type LaunchPlan } from "../launch-plan.ts";
import { runtimeError, startFailure } from "../runtime-error.ts";
import type { StartedNetwork } from "./container-network.ts";

const GATE_POLL_MS = 1;

/** A container that is made and waits for {@link startCreated}. */
export interface Created {
  readonly monitor: ProcessIdentity;
  readonly init: ProcessIdentity;
}

/**
 * Starts conmon, which waits to be told by {@link createContainer}: it stays as the container's monitor, holds its
 * streams and our namespaces, writes its log, and records its end. The directory of the bundle must be there.
 */
export function startMonitor(plan: LaunchPlan, network: StartedNetwork): ChildProcess {
  const { directory } = plan;
  const log = openSync(join(directory, launchFiles.monitorLog), "w");
  return spawn(plan.monitor, monitorArguments(plan, network), { stdio: ["ignore", "ignore", log, "pipe", "pipe", ...network.held], env: { ...process.env, _OCI_SYNCPIPE: "3", _OCI_STARTPIPE: "4" }, detached: true, cwd: directory });
}

/** Has conmon create the container of the bundle. Throws ContainerError when the runtime refuses. */
export async function createContainer(plan: LaunchPlan, child: ChildProcess): Promise<Created> {
  const { directory } = plan;
  const start = child.stdio[4] as Writable;
  start.on("error", () => {}); // it ended, and its log says why
  start.end("start");
  const created = await firstLine(child.stdio[3] as Readable, child);
  if (created === undefined || created.pid <= 0) {
    const said = created?.message ?? readFileSync(join(directory, launchFiles.monitorLog), "utf8").trim();
    throw startFailure(runtimeError(join(directory, launchFiles.runtimeLog)) ?? said);
  }
  const [monitor, init] = [join(directory, launchFiles.conmonPid), join(directory, launchFiles.containerPid)];
  return { monitor: pidIn(monitor) ?? gone(monitor), init: pidIn(init) ?? gone(init) };
}

/** Lets a created container's program run. Throws ContainerError when it cannot be executed; the container is gone then. */
export async function startCreated(plan: LaunchPlan, { init }: Created): Promise<void> {
  const { runtime, record, directory } = plan;
  if (runtime.kind === "runc" && (await openGate(join(directory, containerFiles.state, record.id, "exec.fifo"), init))) return;
  const started = spawnSync(runtime.path, [...runtimeFlags(plan), "start", record.id], { encoding: "utf8" });
  if (started.status === 0) return;
  const said = runtimeError(join(directory, launchFiles.runtimeLog)) ?? started.stderr;
  spawnSync(runtime.path, [...runtimeFlags(plan), "delete", "--force", record.id]);
  throw startFailure(said);
}

/**
 * What `runc start` does, without another process: the container's first process waits until somebody reads the byte
 * that it writes to this FIFO, which is then taken away (runc, libcontainer, exec.fifo). False where it is not so.
 */
async function openGate(fifo: string, init: ProcessIdentity): Promise<boolean> {
  let file: number;
  try {
    file = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    const byte = Buffer.alloc(1);
    for (let alive = true; ; alive = isAlive(init)) {
      if (readWaiting(file, byte) === 1) break;
      if (!alive) return false;
      await sleep(GATE_POLL_MS);
    }
    rmSync(fifo);
    return true;
  } finally {
    closeSync(file);
  }
}

/** What can be read now; 0 when nobody has written yet. */
function readWaiting(file: number, buffer: Buffer): number {
  try {
    return readSync(file, buffer);
  } catch (error) {
    if (errnoOf(error) === "EAGAIN") return 0;
    throw error;
  }
}

function monitorArguments(plan: LaunchPlan, network: StartedNetwork): string[] {
  const { record, directory, runtime } = plan;
  const bundle = join(directory, containerFiles.bundle);
  const [cleaner, ...cleanerArguments] = cleanUpCommand(plan, network);
  // Nobody can ask for the log of a container that goes with its end and whose output somebody has read.
  const log = record.autoRemove && plan.attach !== undefined ? "/dev/null" : join(directory, containerFiles.log);
  return [
    ...["--cid", record.id, "--cuuid", record.id, "--name", record.name, "--runtime", runtime.path, "--bundle", bundle],
    ...runtimeFlags(plan).flatMap((flag) => ["--runtime-arg", flag]),
    ...["--persist-dir", bundle, "--exit-dir", join(directory, containerFiles.exit)],
    ...["--conmon-pidfile", join(directory, launchFiles.conmonPid), "--container-pidfile", join(directory, launchFiles.containerPid)],
    ...["--log-path", `k8s-file:${log}`, "--log-level", "error", "--full-attach", "--no-sync-log"],
    ...(record.terminal ? ["--terminal"] : []),
    ...(record.openStdin ? ["--stdin"] : []),
    // A terminal has no end of its own: who comes back to it types on.
    ...(record.openStdin && (record.terminal || record.stdinOnce !== true) ? ["--leave-stdin-open"] : []),
    ...["--exit-command", cleaner!, ...cleanerArguments.flatMap((word) => ["--exit-command-arg", word])],
  ];
}

function runtimeFlags({ directory, runtime, cgroup }: LaunchPlan): string[] {
  return ["--root", join(directory, containerFiles.state), ...logFlags(runtime, join(directory, launchFiles.runtimeLog)), ...cgroupFlags(runtime, cgroup !== undefined)];
}

function pidIn(file: string): ProcessIdentity | undefined {
  try {
    return identityOf(Number(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** A process that ended before we looked: no living one has its start time. */
function gone(file: string): ProcessIdentity {
  return { pid: existsSync(file) ? Number(readFileSync(file, "utf8")) : 0, start: "0" };
}

/** conmon's report: a line of JSON with the process number or, below zero, why there is none (conmon, _OCI_SYNCPIPE). */
function firstLine(stream: Readable, child: ChildProcess): Promise<{ readonly pid: number; readonly message?: string } | undefined> {
  return new Promise((resolve) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) {
        const { data, pid, message } = JSON.parse(text.slice(0, text.indexOf("\n"))) as { data?: number; pid?: number; message?: string };
        resolve({ pid: data ?? pid ?? -1, ...(message === undefined ? {} : { message }) });
      }
    });
    stream.once("end", () => resolve(undefined));
    child.once("error", () => resolve(undefined));
  });
}
