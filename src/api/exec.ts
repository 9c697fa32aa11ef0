import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { ContainerError } from "../containers/container-error.ts";
import { stateOf } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { insideCommand, runningOf, runtimeCommand } from "../containers/inside.ts";
import { runtimeError, startFailure } from "../containers/runtime-error.ts";
import { logFlags } from "../sandbox/runtime.ts";
import { lookUpAccount } from "../sandbox/user.ts";
import type { Laminate } from "./laminate.ts";

export interface ExecRequest {
  readonly container: string;
  readonly command: readonly string[];
  readonly interactive: boolean;
  readonly terminal: boolean;
  readonly detach: boolean;
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
}

/** Runs one more command in a running container, with our standard streams; resolves to its exit code. */
export async function exec({ store }: Pick<Laminate, "store">, request: ExecRequest, signal: AbortSignal): Promise<number> {
  const container = new Containers(store.root).find(request.container);
  const run = runningOf(container);
  if (stateOf(container).status === "paused") throw new ContainerError("not-running", `container ${container.record.name} is paused, unpause it before exec`);
  const account = request.user === undefined ? undefined : lookUpAccount(`/proc/${run.init.pid}/root`, request.user);
  const args = [
    ...(request.terminal ? ["--tty"] : []),
    ...request.env.flatMap((line) => ["--env", line]),
    ...(request.workdir === undefined ? [] : ["--cwd", request.workdir]),
    ...(account === undefined ? [] : ["--user", `${account.uid}:${account.gid}`]),
    // crun has no flag for these.
    ...(run.runtime.kind === "runc" ? (account?.groups ?? []).flatMap((gid) => ["--additional-gids", `${gid}`]) : []),
    ...(request.detach ? ["--detach"] : []),
  ];
  const log = join(container.directory, `exec-${process.pid}.log`);
  const [command, ...rest] = [...insideCommand(run), ...runtimeCommand(container, run), ...logFlags(run.runtime, log), "exec", ...args, container.id, ...request.command];
  try {
    const code = await runtimeExit(command!, rest, request, signal);
    const said = code === 0 ? undefined : runtimeError(log);
    // The runtime has said it already; its own code tells nothing (docker exec gives 126 and 127).
    return said === undefined ? code : startFailure(said).code === "not-found" ? 127 : 126;
  } finally {
    rmSync(log, { force: true });
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
