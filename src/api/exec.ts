import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ContainerError } from "../containers/container-error.ts";
import { stateOf } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { execProcess, type ExecOptions } from "../containers/exec-process.ts";
import { insideCommand, runningOf, runtimeCommand } from "../containers/inside.ts";
import { runtimeError, startFailure } from "../containers/runtime-error.ts";
import { logFlags } from "../sandbox/runtime.ts";
import type { Laminate } from "./laminate.ts";

export interface ExecRequest extends ExecOptions {
  readonly container: string;
  readonly interactive: boolean;
  readonly detach: boolean;
}

/** Runs one more command in a running container, with our standard streams; resolves to its exit code. */
export async function exec({ store }: Pick<Laminate, "store">, request: ExecRequest, signal: AbortSignal): Promise<number> {
  const container = new Containers(store.root).find(request.container);
  const run = runningOf(container);
  if (stateOf(container).status === "paused") throw new ContainerError("not-running", `container ${container.record.name} is paused, unpause it before exec`);
  const [log, file] = ["log", "json"].map((kind) => join(container.directory, `exec-${process.pid}.${kind}`)) as [string, string];
  writeFileSync(file, JSON.stringify(execProcess(container, run, request)), { mode: 0o600 });
  const flags = ["--process", file, ...(request.terminal ? ["--tty"] : []), ...(request.detach ? ["--detach"] : [])];
  const [command, ...rest] = [...insideCommand(run), ...runtimeCommand(container, run), ...logFlags(run.runtime, log), "exec", ...flags, container.id];
  try {
    const code = await runtimeExit(command!, rest, request, signal);
    const said = code === 0 ? undefined : runtimeError(log);
    // The runtime has said it already; its own code tells nothing (docker exec gives 126 and 127).
    return said === undefined ? code : startFailure(said).code === "not-found" ? 127 : 126;
  } finally {
    for (const made of [log, file]) rmSync(made, { force: true });
  }
}

function runtimeExit(command: string, args: readonly string[], request: ExecRequest, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: [request.interactive || request.terminal ? "inherit" : "ignore", "inherit", "inherit"] });
    const pass = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", pass, { once: true });
    child.once("error", (error) => reject(new ContainerError("cannot-start", `cannot enter the container: ${error.message}`, { cause: error })));
    child.once("exit", (code) => {
      signal.removeEventListener("abort", pass);
      resolve(code ?? 137);
    });
  });
}
