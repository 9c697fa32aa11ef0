import { spawn, spawnSync, type StdioOptions } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Failure, reasonOf } from "../../base/failure.ts";
import { hideCgroups } from "../../sandbox/cgroups.ts";
import { hostFiles } from "../../sandbox/host-files.ts";
import { mountOverlay } from "../../sandbox/overlay.ts";
import { resolveInRootfs } from "../../sandbox/rootfs-path.ts";
import { flagsWithoutCgroups, logFlags } from "../../sandbox/runtime.ts";
import { runtimeSpec, type SpecMount } from "../../sandbox/runtime-spec.ts";
import { lookUpAccount } from "../../sandbox/user.ts";
import { ContainerError } from "../container-error.ts";
import { containerFiles } from "../container.ts";
import { writeAtomically } from "../containers.ts";
import { launchFiles, type LaunchFailure, type LaunchPlan } from "../launch-plan.ts";
import type { Mount } from "../mounts.ts";
import { bootId, identityOf, type ProcessIdentity } from "../process-identity.ts";
import type { RunRecord } from "../record.ts";
import { runtimeError, startFailure } from "../runtime-error.ts";

/**
 * Runs inside the container's mount (and user) namespace: mounts its files, writes the bundle, and starts the runtime.
 * In the foreground it stays, as the container's monitor, and ends with its exit code; in the background conmon is the
 * monitor, and with it the namespaces live on.
 */
async function launch(plan: LaunchPlan): Promise<number> {
  hideCgroups();
  const { merged } = mountOverlay({ lowers: plan.lowers, directory: plan.directory, dialect: plan.dialect });
  writeBundle(plan, merged);
  mkdirSync(join(plan.directory, containerFiles.exit));
  return plan.monitor === undefined ? inForeground(plan) : inBackground(plan, plan.monitor);
}

function writeBundle({ record, directory, rootless, volumes }: LaunchPlan, merged: string): void {
  const bundle = join(directory, containerFiles.bundle);
  mkdirSync(bundle, { mode: 0o700 });
  const account = lookUpAccount(merged, record.user);
  const cwd = resolveInRootfs(merged, record.workingDirectory);
  if (!cwd.exists) mkdirSync(merged + cwd.path, { recursive: true, mode: 0o755 });
  const files = hostFiles({ directory: bundle, hostname: record.hostname, addHosts: record.addHosts, loopbackIsHost: record.network !== "none", readOnly: false });
  const init = record.init === undefined ? [] : [{ destination: "/sbin/docker-init", type: "bind", source: record.init, options: ["rbind", "ro"] }];
  const spec = runtimeSpec({
    rootfs: merged,
    args: [...(record.init === undefined ? [] : ["/sbin/docker-init", "--"]), ...record.entrypoint, ...record.command],
    env: record.env,
    cwd: record.workingDirectory,
    account,
    hostname: record.hostname,
    network: record.network === "none" ? { kind: "new" } : { kind: "host" },
    rootless,
    ...(record.terminal ? { terminal: { rows: process.stdout.rows ?? 24, columns: process.stdout.columns ?? 80 } } : {}),
    readonlyRootfs: record.readOnly,
    mounts: [...files, ...init, ...record.mounts.map((mount, place) => specMount(mount, place, { directory, volumes, merged }))],
    capabilities: record.capabilities,
    noNewPrivileges: record.noNewPrivileges,
    privileged: record.privileged,
    ...(record.shmBytes === undefined ? {} : { shmBytes: record.shmBytes }),
    ...(record.seccomp ? {} : { seccomp: null }),
  });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
}

function specMount(mount: Mount, place: number, where: { readonly directory: string; readonly volumes: string; readonly merged: string }): SpecMount {
  const { target: destination } = mount;
  switch (mount.type) {
    case "bind":
      if (!existsSync(mount.source)) {
        if (!mount.create) throw new ContainerError("bad-option", `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
        mkdirSync(mount.source, { recursive: true });
      }
      return { destination, type: "bind", source: mount.source, options: ["rbind", mount.readOnly ? "ro" : "rw", mount.propagation] };
    case "volume":
      return { destination, type: "bind", source: volumeDirectory(mount, place, where), options: ["rbind", mount.readOnly ? "ro" : "rw"] };
    case "tmpfs":
      return { destination, type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "noexec", ...mount.options] };
  }
}

/** A volume without a name is the container's own and goes with it. A new one starts with what the image has in its place. */
function volumeDirectory({ name, target }: Mount & { type: "volume" }, place: number, { directory, volumes, merged }: { readonly directory: string; readonly volumes: string; readonly merged: string }): string {
  const source = name === "" ? join(directory, "volumes", `${place}`) : join(volumes, name);
  mkdirSync(source, { recursive: true });
  const image = resolveInRootfs(merged, target);
  if (image.exists && readdirSync(source).length === 0) {
    const copied = spawnSync("cp", ["-a", "-T", "--", merged + image.path, source], { encoding: "utf8" });
    if (copied.status !== 0) throw new ContainerError("cannot-start", `fill the volume for ${target}: ${copied.stderr}`);
  }
  return source;
}

async function inForeground(plan: LaunchPlan): Promise<number> {
  const { record, directory, runtime } = plan;
  const pidFile = join(directory, launchFiles.containerPid);
  const stdio: StdioOptions = [record.openStdin || record.terminal ? "inherit" : "ignore", "inherit", "inherit"];
  const child = spawn(runtime.path, [...runtimeFlags(plan), "run", "--bundle", join(directory, containerFiles.bundle), "--pid-file", pidFile, record.id], { stdio });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
    process.on(name, () => child.kill(name));
  }
  const watch = setInterval(() => {
    const init = pidIn(pidFile);
    if (init !== undefined) {
      clearInterval(watch);
      writeRun(plan, identityOf(process.pid)!, init);
    }
  }, 5);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 137));
  });
  clearInterval(watch);
  const said = code === 0 ? undefined : runtimeError(join(plan.directory, launchFiles.runtimeLog));
  if (said !== undefined) throw startFailure(said);
  writeFileSync(join(directory, containerFiles.exit, record.id), `${code}`);
  return code;
}

async function inBackground(plan: LaunchPlan, conmon: string): Promise<number> {
  const { record, directory, runtime } = plan;
  const bundle = join(directory, containerFiles.bundle);
  const [conmonPid, containerPid] = [join(directory, launchFiles.conmonPid), join(directory, launchFiles.containerPid)];
  const cleanUp = record.autoRemove ? ["--exit-command", "/bin/sh", ...['-c', 'umount -l "$1/merged"; rm -f "$2"; rm -rf --one-file-system "$1"', "sh", directory, plan.nameLink].flatMap((word) => ["--exit-command-arg", word])] : [];
  const args = [
    ...["--cid", record.id, "--cuuid", record.id, "--name", record.name, "--runtime", runtime.path, "--bundle", bundle],
    ...runtimeFlags(plan).flatMap((flag) => ["--runtime-arg", flag]),
    ...["--persist-dir", bundle, "--exit-dir", join(directory, containerFiles.exit), "--conmon-pidfile", conmonPid, "--container-pidfile", containerPid],
    ...["--log-path", `k8s-file:${join(directory, containerFiles.log)}`, "--log-level", "error", "--full-attach"],
    ...(record.terminal ? ["--terminal"] : []),
    ...(record.openStdin ? ["--stdin", "--leave-stdin-open"] : []),
    ...cleanUp,
  ];
  const log = openSync(join(directory, launchFiles.monitorLog), "w");
  const child = spawn(conmon, args, { stdio: ["ignore", "ignore", log, "pipe"], env: { ...process.env, _OCI_SYNCPIPE: "3" }, detached: true, cwd: directory });
  const created = await firstLine(child.stdio[3] as Readable, child);
  if (created === undefined || created.pid <= 0) {
    const said = created?.message ?? readFileSync(join(directory, launchFiles.monitorLog), "utf8").trim();
    throw startFailure(runtimeError(join(plan.directory, launchFiles.runtimeLog)) ?? said);
  }
  const started = spawnSync(runtime.path, [...runtimeFlags(plan), "start", record.id], { encoding: "utf8" });
  if (started.status !== 0) {
    const said = runtimeError(join(plan.directory, launchFiles.runtimeLog)) ?? started.stderr;
    spawnSync(runtime.path, [...runtimeFlags(plan), "delete", "--force", record.id]);
    throw startFailure(said);
  }
  writeRun(plan, pidIn(conmonPid) ?? gone(conmonPid), pidIn(containerPid) ?? gone(containerPid));
  return 0;
}

function runtimeFlags({ directory, runtime }: LaunchPlan): string[] {
  return ["--root", join(directory, containerFiles.state), ...logFlags(runtime, join(directory, launchFiles.runtimeLog)), ...flagsWithoutCgroups(runtime)];
}

function writeRun({ directory, runtime, record }: LaunchPlan, monitor: ProcessIdentity, init: ProcessIdentity): void {
  const run: RunRecord = {
    boot: bootId(),
    monitor,
    init,
    startedAt: Date.now(),
    runtime,
    network: record.network === "none" ? { kind: "none" } : { kind: "host" },
    ports: record.network === "none" ? [] : record.publish.map((port) => ({ ...port, hostPort: port.containerPort })),
    helpers: [],
  };
  if (existsSync(directory)) writeAtomically(join(directory, containerFiles.run), JSON.stringify(run));
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
function firstLine(stream: Readable, child: ReturnType<typeof spawn>): Promise<{ readonly pid: number; readonly message?: string } | undefined> {
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

if (import.meta.main) {
  const plan = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as LaunchPlan;
  let code = 125;
  try {
    code = await launch(plan);
  } catch (error) {
    const failure: LaunchFailure = { code: error instanceof Failure ? error.code : "cannot-start", message: reasonOf(error) };
    writeFileSync(join(plan.directory, launchFiles.failure), JSON.stringify(failure));
  }
  process.exit(code);
}
