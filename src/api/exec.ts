import { spawn } from "node:child_process";
import { ContainerError } from "../containers/container-error.ts";
import { Containers } from "../containers/containers.ts";
import { insideCommand, runningOf, runtimeCommand } from "../containers/inside.ts";
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
  const account = request.user === undefined ? undefined : lookUpAccount(`/proc/${run.init.pid}/root`, request.user);
  const args = [
    ...(request.terminal ? ["--tty"] : []),
    ...request.env.flatMap((line) => ["--env", line]),
    ...(request.workdir === undefined ? [] : ["--cwd", request.workdir]),
    ...(account === undefined ? [] : ["--user", `${account.uid}:${account.gid}`]),
    ...(request.detach ? ["--detach"] : []),
  ];
  const [command, ...rest] = [...insideCommand(run), ...runtimeCommand(container, run), "exec", ...args, container.id, ...request.command];
  return new Promise((resolve, reject) => {
    const child = spawn(command!, rest, { stdio: [request.interactive || request.terminal ? "inherit" : "ignore", "inherit", "inherit"] });
    const pass = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", pass, { once: true });
    child.once("error", (error) => reject(new ContainerError("cannot-start", `cannot enter the container: ${error.message}`, { cause: error })));
    child.once("exit", (code) => {
      signal.removeEventListener("abort", pass);
      resolve(code ?? 137);
    });
  });
}
