import { spawn, type ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { enterCommand, enterFailure } from "./namespace.ts";
import { SandboxError } from "./sandbox-error.ts";
import { readMessages } from "./worker/lines.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./worker/messages.ts";

export interface WorkerOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly entry: string;
  readonly settings: WorkerSettings;
  onMessage(message: Exclude<FromWorker, { type: "ready" }>): void;
  /** Called once when the worker ends, however it does. */
  onDeath(error: SandboxError): void;
}

/** The worker as its parent sees it. */
export interface WorkerProcess {
  send(message: ToWorker): void;
  /** Closes the channel and waits until worker, containers and mounts are gone. */
  end(): Promise<void>;
}

const START_MS = 20_000;
const END_MS = 5000;
/** For what a failed start still has to say. */
const GRACE_MS = 100;
/** What the worker needs to find its tools; nothing else of our environment (tokens, …) goes to it. */
const PASSED_ON = ["PATH", "LAMINATE_RUNTIME", "NODE_COMPILE_CACHE", "LANG"];

/** Starts the worker in its namespaces; rejects with what the machine lacks if it does not come up. */
export async function startWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const [command, ...prefix] = enterCommand(options.env, { pid: true });
  const heap = process.execArgv.filter((flag) => flag.includes("semi-space-size")); // as the command's own (bin/laminate)
  const child = spawn(command!, [...prefix, process.execPath, ...heap, resolve(options.entry), "worker"], {
    cwd: "/", // the caller's may vanish, and its mount should not be held
    stdio: ["pipe", "pipe", "pipe"],
    env: Object.fromEntries(PASSED_ON.map((name) => [name, options.env[name]])),
    detached: true, // a Ctrl-C at the terminal is for us to turn into cancels
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await untilReady(child, options);
  return {
    send: (message) => void child.stdin!.write(`${JSON.stringify(message)}\n`),
    end: () => end(child, gone),
  };
}

function untilReady(child: ChildProcess, options: WorkerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let stderr = "";
    let ready = false;
    const timer = setTimeout(() => killGroup(child), START_MS);
    child.stderr!.on("data", (data: Buffer) => (stderr = (stderr + data.toString()).slice(-8000)));
    child.stdin!.on("error", () => {}); // EPIPE: told by "close"
    child.once("error", (error) => reject(new SandboxError("worker-died", `cannot start the sandbox worker: ${error.message}`, { cause: error })));
    child.once("exit", () => {
      // unshare 2.38 that fails leaves a child that waits for ever to map its ids, and that holds our pipes.
      if (!ready) setTimeout(() => killGroup(child), GRACE_MS);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (!ready) reject(enterFailure(stderr));
      options.onDeath(new SandboxError("worker-died", `the sandbox worker ended with ${signal ?? code}${stderr === "" ? "" : `: ${stderr.trim().split("\n").slice(-5).join("; ")}`}`));
    });
    readMessages<FromWorker>(child.stdout!, (message) => {
      if (message.type !== "ready") return options.onMessage(message);
      ready = true;
      clearTimeout(timer);
      resolve();
    });
    child.stdin!.write(`${JSON.stringify({ type: "start", settings: options.settings } satisfies ToWorker)}\n`);
  });
}

/** It was started detached, so it leads a process group. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // ESRCH: all of it is gone.
  }
}

/** Killing unshare kills the worker, process 1 of its PID namespace, and so everything in it. */
async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  child.stdin!.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await gone;
  clearTimeout(timer);
}
