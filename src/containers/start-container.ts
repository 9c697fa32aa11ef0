import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { lowerMountsPlace } from "../sandbox/lower-mounts.ts";
import { enterCommand, enterFailure, isRootless } from "../sandbox/namespace.ts";
import { findRuntime } from "../sandbox/runtime.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { findCommand } from "../sandbox/search-path.ts";
import type { Store } from "../store/store.ts";
import { cgroupOf, type NoCgroup } from "./cgroup.ts";
import { ContainerError } from "./container-error.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { endUnknown } from "./inside.ts";
import { launchFiles, type AttachPlan, type LaunchFailure, type LaunchPlan } from "./launch-plan.ts";
import { limitsOf } from "./limits.ts";
import type { Said } from "./worker/accompany.ts";

export interface StartWorld {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly containers: Containers;
  readonly env: NodeJS.ProcessEnv;
}

export interface StartOptions {
  /** How our standard streams are joined to the container's; undefined in the background. */
  readonly attach?: AttachPlan;
  /** Told what the launcher has to say of a container in the background; of one in the foreground it writes it to standard error. */
  readonly onNotice?: (text: string) => void;
  /** Has what happens to this process told to the container: signals, and new sizes of the terminal. Gives what ends that. */
  readonly proxy?: (tell: (said: Said) => void) => () => void;
  /** Leaves a container in the foreground alone. */
  readonly signal: AbortSignal;
}

/**
 * Starts a container. In the foreground it has our standard streams and this resolves to its exit code when it ends;
 * in the background this resolves to 0 as soon as it runs. Throws ContainerError or SandboxError.
 */
export async function startContainer(container: Container, world: StartWorld, options: StartOptions): Promise<number> {
  const { record, directory } = container;
  const { store, sandbox, containers, env } = world;
  endUnknown(container);
  const runtime = findRuntime(env, record.runtime);
  const cgroup = cgroupOf(record, runtime);
  if ("missing" in cgroup) refuseLimits(container, cgroup);
  const plan: LaunchPlan = {
    record,
    directory,
    root: store.root,
    lowers: (await Promise.all(record.layers.map((diffId) => store.layers.lowers(diffId, sandbox)))).flat(),
    mounts: lowerMountsPlace(store.root),
    dialect: sandbox.dialect,
    rootless: isRootless(),
    runtime,
    ...("missing" in cgroup ? {} : { cgroup }),
    volumes: join(store.root, "volumes"),
    monitor: findConmon(env),
    ...(options.attach === undefined ? {} : { attach: options.attach }),
    nameLink: containers.nameLink(container),
  };
  mkdirSync(plan.volumes, { recursive: true, mode: 0o700 });
  const file = join(directory, launchFiles.plan);
  writeFileSync(file, JSON.stringify(plan), { mode: 0o600 });
  rmSync(join(directory, launchFiles.failure), { force: true });
  const enter = enterCommand(env, { cgroup: plan.cgroup === undefined });
  const code = await runLauncher([...enter, process.execPath, fileURLToPath(new URL("./worker/launch.ts", import.meta.url)), file], options);
  const failure = readFailure(directory);
  if (failure !== undefined) {
    throw new ContainerError(failure.code as ContainerError["code"], failure.message, failure.hint === undefined ? {} : { hint: failure.hint });
  }
  return code;
}

/** A limit that cannot be set is refused, never ignored. */
function refuseLimits({ record }: Container, { missing, hint }: NoCgroup): void {
  const flag = limitsOf(record.limits)[0];
  if (flag !== undefined) throw new ContainerError("no-cgroups", `cannot set ${flag}: ${missing}`, hint === undefined ? {} : { hint });
}

function runLauncher(argv: readonly string[], options: StartOptions): Promise<number> {
  return options.attach === undefined ? inBackground(argv, options) : inForeground(argv, options);
}

function inBackground(argv: readonly string[], { onNotice }: StartOptions): Promise<number> {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  return exitOf(child, (code) => {
    child.stderr.destroy(); // conmon may hold it
    if (code !== 0 && said.trim() !== "") throw enterFailure(said);
    if (said !== "") onNotice?.(said);
  });
}

/** In a session of its own: what is typed at our terminal reaches the container once, by way of us. */
function inForeground(argv: readonly string[], { proxy, signal }: StartOptions): Promise<number> {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ["inherit", "inherit", "inherit", "pipe"], detached: true });
  const control = child.stdio[3] as Writable;
  control.on("error", () => {}); // it ended first
  const stop = proxy?.((said) => control.write(`${said}\n`));
  const leave = (): void => void control.end();
  signal.addEventListener("abort", leave, { once: true });
  return exitOf(child, () => {
    stop?.();
    signal.removeEventListener("abort", leave);
  });
}

function exitOf(child: ChildProcess, then: (code: number) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      try {
        then(code ?? 137);
        resolve(code ?? 137);
      } catch (error) {
        reject(error);
      }
    });
  });
}

function readFailure(directory: string): LaunchFailure | undefined {
  const file = join(directory, launchFiles.failure);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as LaunchFailure) : undefined;
}

function findConmon(env: NodeJS.ProcessEnv): string {
  const found = ["conmon", "/usr/libexec/podman/conmon", "/usr/lib/podman/conmon"].map((name) => findCommand(name, env)).find((path) => path !== undefined);
  if (found === undefined) {
    throw new ContainerError("no-conmon", `cannot run a container: its monitor, the command "conmon", was not found`, { hint: "install it: apt-get install conmon" });
  }
  return found;
}
