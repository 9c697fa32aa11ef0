import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { enterCommand, enterFailure, isRootless } from "../sandbox/namespace.ts";
import { findRuntime } from "../sandbox/runtime.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { findCommand } from "../sandbox/search-path.ts";
import type { Store } from "../store/store.ts";
import { ContainerError } from "./container-error.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { launchFiles, type LaunchFailure, type LaunchPlan } from "./launch-plan.ts";

export interface StartWorld {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly containers: Containers;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Starts a container. In the foreground it has our standard streams and this resolves to its exit code when it ends;
 * in the background this resolves to 0 as soon as it runs. Throws ContainerError or SandboxError.
 */
export async function startContainer(container: Container, world: StartWorld, options: { readonly detach: boolean; readonly signal: AbortSignal }): Promise<number> {
  const { record, directory } = container;
  const { store, sandbox, containers, env } = world;
  await checkPorts(container);
  const monitor = options.detach ? findConmon(env) : undefined;
  const plan: LaunchPlan = {
    record,
    directory,
    lowers: await Promise.all(record.layers.map((diffId) => store.layers.directory(diffId, sandbox.dialect, (tar, target) => sandbox.unpack(tar, target)))),
    dialect: sandbox.dialect,
    rootless: isRootless(),
    runtime: findRuntime(env, record.runtime),
    volumes: join(store.root, "volumes"),
    monitor,
    nameLink: containers.nameLink(container),
  };
  mkdirSync(plan.volumes, { recursive: true, mode: 0o700 });
  const file = join(directory, launchFiles.plan);
  writeFileSync(file, JSON.stringify(plan), { mode: 0o600 });
  const code = await runLauncher([...enterCommand(env), process.execPath, fileURLToPath(new URL("./worker/launch.ts", import.meta.url)), file], options);
  const failure = readFailure(directory);
  if (failure !== undefined) {
    throw new ContainerError(failure.code as ContainerError["code"], failure.message);
  }
  return code;
}

function runLauncher(argv: readonly string[], { detach, signal }: { readonly detach: boolean; readonly signal: AbortSignal }): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: detach ? ["ignore", "ignore", "pipe"] : "inherit" });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
    // The container decides what a signal means to it; we only pass it on, and wait.
    const pass = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", pass, { once: true });
    child.once("error", reject);
    child.once("exit", (code) => {
      signal.removeEventListener("abort", pass);
      child.stderr?.destroy();
      if (code !== 0 && said.trim() !== "" && detach) reject(enterFailure(said));
      else resolve(code ?? 137);
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
    throw new ContainerError("no-conmon", `cannot run a container in the background: its monitor, the command "conmon", was not found`, { hint: "install it: apt-get install conmon" });
  }
  return found;
}

/** With the host's network a port of the container is the host's port of the same number: it must be asked for so, and be free. */
async function checkPorts({ record }: Container): Promise<void> {
  if (record.network === "none") {
    return;
  }
  for (const { hostIp, hostPort, containerPort, protocol } of record.publish) {
    if (hostPort !== 0 && hostPort !== containerPort) {
      throw new ContainerError("bad-option", `cannot publish port ${containerPort} as ${hostPort}: the container has the host's network, where its port is the same`, {
        hint: `publish it as -p ${containerPort}:${containerPort}, or have the program listen on ${hostPort}`,
      });
    }
    if (protocol === "tcp" && !(await isFree(hostIp === "" ? "0.0.0.0" : hostIp, containerPort))) {
      throw new ContainerError("port-taken", `Bind for ${hostIp || "0.0.0.0"}:${containerPort} failed: port is already allocated`);
    }
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
