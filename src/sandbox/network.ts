import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { reasonOf } from "../base/failure.ts";
import { unmount } from "../sys/mounts.ts";
import { SandboxError } from "./sandbox-error.ts";
import { findCommand } from "./search-path.ts";

/** `default` is a private network with outbound traffic where that works, else the host's. */
export type NetworkMode = "default" | "none" | "host";

/** A command that gives a network namespace outbound traffic without changing anything on the host. */
export interface NetworkTool {
  readonly kind: "slirp4netns" | "pasta";
  readonly path: string;
}

/** A network namespace with outbound traffic; disposing of it ends its tool. */
export interface PrivateNetwork extends AsyncDisposable {
  /** The namespace's file, for the runtime spec. */
  readonly path: string;
  /** Addresses that answer DNS inside; empty when the host's own servers are to be used. */
  readonly nameservers: readonly string[];
}

/** The tool did not come up in time; worth remembering, as finding it out again costs seconds. */
export class NetworkTimeout extends SandboxError {
  constructor(tool: NetworkTool) {
    super("network-failed", `cannot start ${tool.kind}: not ready after ${READY_MS} ms`);
  }
}

/** A tool that has not said it is ready by then never will (a pasta that waits for a tty, a slirp4netns without /dev/net/tun). */
const READY_MS = 3000;

/**
 * The tools worth trying, in order. `reason` says why there are none: quick, starts nothing.
 * Both tools need to open /dev/net/tun, which on some machines only root may.
 */
export function networkTools(env: NodeJS.ProcessEnv): { readonly tools: readonly NetworkTool[]; readonly reason?: string } {
  const tools = (["slirp4netns", "pasta"] as const).flatMap((kind) => {
    const path = findCommand(kind, env);
    return path === undefined ? [] : [{ kind, path }];
  });
  if (tools.length === 0) {
    return { tools, reason: "neither slirp4netns nor pasta is installed" };
  }
  const tun = tunProblem();
  return tun === undefined ? { tools } : { tools: [], reason: tun };
}

function tunProblem(): string | undefined {
  try {
    closeSync(openSync("/dev/net/tun", "r+"));
    return undefined;
  } catch (error) {
    return `/dev/net/tun cannot be opened (${reasonOf(error).split(":")[0]})`;
  }
}

/**
 * Makes a network namespace at `directory/network` and starts the tool on it. Must be called with a mount namespace
 * of our own, as the namespace's file is a mount. Throws {@link SandboxError} `network-failed` within a few seconds if the tool does not come up.
 */
export async function openPrivateNetwork(tool: NetworkTool, directory: string, env: NodeJS.ProcessEnv): Promise<PrivateNetwork> {
  const path = emptyNamespace(directory, env);
  try {
    return await (tool.kind === "slirp4netns" ? openSlirp(tool, path) : openPasta(tool, path, directory));
  } catch (error) {
    closeNamespace(path);
    throw error;
  }
}

/** A new network namespace held by a file, in which nothing is up yet. */
function emptyNamespace(directory: string, env: NodeJS.ProcessEnv): string {
  const path = join(directory, "network");
  writeFileSync(path, "");
  const made = spawnSync(findCommand("unshare", env) ?? "unshare", [`--net=${path}`, "true"], { encoding: "utf8", timeout: READY_MS });
  if (made.status !== 0) {
    rmSync(path, { force: true });
    throw new SandboxError("network-failed", `cannot make a network namespace: ${made.stderr || reasonOf(made.error)}`);
  }
  return path;
}

function closeNamespace(path: string): void {
  try {
    unmount(path, { lazy: true });
    rmSync(path, { force: true });
  } catch {
    // It goes with the mount namespace at the latest.
  }
}

async function openSlirp(tool: NetworkTool, path: string): Promise<PrivateNetwork> {
  const child = spawn(tool.path, ["--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3", "--netns-type=path", path, "tap0"], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    detached: true, // a Ctrl-C at the terminal is for us to handle
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await readyOf(child, tool);
  return {
    path,
    nameservers: ["10.0.2.3"],
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
      closeNamespace(path);
    },
  };
}

function readyOf(child: ChildProcess, tool: NetworkTool): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (what: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(toolFailure(tool, what, said));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new NetworkTimeout(tool));
    }, READY_MS);
    child.stderr!.on("data", (data: Buffer) => (said = (said + data.toString()).slice(-2000)));
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`it ended with ${signal ?? code}`));
    (child.stdio[3] as Readable).once("data", () => {
      clearTimeout(timer);
      resolve();
    });
    child.stdio[3]!.on("error", () => {});
  });
}

/** pasta goes to the background when it is ready; it is then found by its pid file. */
async function openPasta(tool: NetworkTool, path: string, directory: string): Promise<PrivateNetwork> {
  const pidFile = join(directory, "pasta.pid");
  const closed = ["-t", "none", "-u", "none", "-T", "none", "-U", "none", "--no-map-gw"];
  const child = spawn(tool.path, ["--config-net", "--quiet", "--runas", "0", ...closed, "-P", pidFile, "--netns", path], { stdio: ["ignore", "ignore", "pipe"], detached: true });
  await backgroundOf(child, tool);
  const pid = Number(readFileSync(pidFile, "utf8").trim());
  return {
    path,
    nameservers: [],
    [Symbol.asyncDispose]: async () => {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
      closeNamespace(path);
    },
  };
}

function backgroundOf(child: ChildProcess, tool: NetworkTool): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (what: string) => reject(toolFailure(tool, what, said));
    const timer = setTimeout(() => {
      process.kill(-child.pid!, "SIGKILL"); // its own process group, as it was started detached
      reject(new NetworkTimeout(tool));
    }, READY_MS);
    child.stderr!.on("data", (data: Buffer) => (said = (said + data.toString()).slice(-2000)));
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      child.stderr!.destroy();
      if (code === 0) resolve();
      else fail(`it ended with ${signal ?? code}`);
    });
  });
}

function toolFailure(tool: NetworkTool, what: string, said: string): SandboxError {
  const last = said.trim().split("\n").at(-1) ?? "";
  return new SandboxError("network-failed", `cannot start ${tool.kind}: ${what}${last === "" ? "" : `: ${last}`}`);
}

/** A proxy on the host's loopback cannot be reached from a private network; such a step gets the host's. */
export function proxyOnLoopback(env: readonly string[]): string | undefined {
  return env.find((line) => /^(https?|ftp|all)_proxy=([a-z0-9]+:\/\/)?([^@/]*@)?(localhost|127\.|\[::1\])/i.test(line))?.split("=")[0];
}
