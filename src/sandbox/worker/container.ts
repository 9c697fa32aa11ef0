import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupFlags, logFlags, type Runtime } from "../runtime.ts";
import { SandboxError } from "../sandbox-error.ts";
import type { WorkerHooks } from "../step.ts";

export interface ContainerOptions {
  readonly runtime: Runtime;
  /** Holds `config.json`; the runtime's state, log and pid file go beside it. */
  readonly bundle: string;
  readonly env: NodeJS.ProcessEnv;
  /** It gets a cgroup of its own. */
  readonly cgroup: boolean;
  /** The program, for the message when it cannot be executed. */
  readonly program: string;
}

const KILL_EVERY_MS = 10;
const GIVE_UP_MS = 5000;

/**
 * Runs the container of a bundle to its end and resolves to its exit code; a signal's is 128 + its number.
 * When the signal of the hooks is aborted the container's first process is killed, and with it, as its PID
 * namespace ends, every other. A program that is not there or may not be executed gives 127 or 126, as in a shell.
 */
export async function runContainer(options: ContainerOptions, hooks: WorkerHooks): Promise<number> {
  const { runtime, bundle } = options;
  const log = join(bundle, "log");
  const pidFile = join(bundle, "pid");
  const flags = ["--root", join(bundle, "state"), ...logFlags(runtime, log), ...cgroupFlags(runtime, options.cgroup)];
  const child = spawn(runtime.path, [...flags, "run", "--bundle", bundle, "--pid-file", pidFile, "step"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: options.env["PATH"] },
    detached: true, // a Ctrl-C at the terminal must not reach the runtime before we have stopped the container
  });
  forward(child, "stdout", hooks);
  forward(child, "stderr", hooks);
  const code = await untilClosed(child, pidFile, hooks.signal);
  hooks.signal.throwIfAborted();
  return code === 0 ? 0 : judge(code, runtimeErrors(log), options, hooks);
}

function forward(child: ChildProcess, name: "stdout" | "stderr", hooks: WorkerHooks): void {
  const stream = child[name]!;
  stream.on("data", (data: Buffer) => {
    const room = hooks.onOutput(name, data);
    if (room === undefined) return;
    stream.pause();
    void room.then(() => stream.resume());
  });
}

function untilClosed(child: ChildProcess, pidFile: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let killing: NodeJS.Timeout | undefined;
    const onAbort = () => {
      killing ??= killUntilGone(child, pidFile);
    };
    const done = () => {
      clearInterval(killing);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    child.once("error", (error) => {
      done();
      reject(new SandboxError("runtime-failed", `cannot start the runtime: ${error.message}`, { cause: error }));
    });
    child.once("close", (code, name) => {
      done();
      resolve(code ?? (name === "SIGKILL" ? 137 : 1));
    });
  });
}

/** The pid file may not be written yet when the abort comes: so again until the runtime has ended. */
function killUntilGone(child: ChildProcess, pidFile: string): NodeJS.Timeout {
  const start = performance.now();
  const attempt = () => {
    const pid = readPid(pidFile);
    if (pid !== undefined) tryKill(pid);
    if (performance.now() - start > GIVE_UP_MS) {
      tryKill(-child.pid!);
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
  };
  attempt();
  return setInterval(attempt, KILL_EVERY_MS);
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: gone already.
  }
}

/** A code other than 0 is the program's unless the runtime wrote an error of its own. */
function judge(code: number, errors: readonly string[], options: ContainerOptions, hooks: WorkerHooks): number {
  const said = errors.at(-1);
  if (said === undefined) return code;
  if (!isAboutProgram(said, options.program)) {
    throw new SandboxError("runtime-failed", `cannot run the container with ${options.runtime.path}: ${said}`);
  }
  void hooks.onOutput("stderr", Buffer.from(`${said}\n`));
  return /permission denied/i.test(said) ? 126 : 127;
}

function isAboutProgram(said: string, program: string): boolean {
  // crun leaves the name out when it may not execute the program: "open executable: Permission denied".
  return /exec/.test(said) && (said.includes(program) || said.startsWith("open executable")) && /not found|no such file or directory|permission denied|exec format error|is a directory/i.test(said);
}

function runtimeErrors(log: string): string[] {
  let text: string;
  try {
    text = readFileSync(log, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
      return level === "error" && msg !== undefined ? [msg] : [];
    } catch {
      return [];
    }
  });
}
