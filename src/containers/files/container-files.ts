import { spawn } from "node:child_process";
import { pipeline } from "node:stream/promises";
import { Readable, type Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { lowerMountsPlace } from "../../sandbox/lower-mounts.ts";
import { enterCommand } from "../../sandbox/namespace.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { Store } from "../../store/store.ts";
import { ContainerError } from "../container-error.ts";
import { isUp, stateOf, type Container } from "../container.ts";
import { insideCommand, mergedIn } from "../inside.ts";
import type { FilesAction, FilesFailure, FilesPlan } from "./action.ts";

export interface FilesWorld {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Has the files worker do something with a container that runs or not; `input` is a tar for it, `output` takes the one it makes. */
export async function withContainerFiles(
  container: Container,
  action: FilesAction,
  streams: { readonly input?: AsyncIterable<Buffer>; readonly output?: Writable | ((tar: Readable) => Promise<void>) },
  world: FilesWorld,
): Promise<void> {
  const [command, ...args] = await workerCommand(container, action, world);
  const child = spawn(command!, args, { stdio: ["pipe", "pipe", "pipe"], signal: world.signal });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<number>((resolve, reject) => child.once("error", reject).once("close", (code) => resolve(code ?? 137)));
  const { input, output } = streams;
  const flows = Promise.all([
    input === undefined ? child.stdin.end() : pipeline(Readable.from(input, { objectMode: false }), child.stdin),
    output === undefined ? child.stdout.resume() : typeof output === "function" ? output(child.stdout) : pipeline(child.stdout, output, { end: false }),
  ]);
  flows.catch(() => child.kill()); // who reads or writes gave up
  const [flowed, code] = await Promise.allSettled([flows, ended]);
  world.signal.throwIfAborted();
  if (code.status === "rejected") throw code.reason;
  if (code.value !== 0) {
    const failure = failureIn(said);
    if (failure !== undefined || flowed.status === "fulfilled") throw failure ?? new ContainerError("copy-failed", `cannot reach the container's files: ${said.trim()}`);
  }
  if (flowed.status === "rejected") throw flowed.reason;
}

async function workerCommand(container: Container, action: FilesAction, { store, sandbox, env }: FilesWorld): Promise<string[]> {
  const { directory, record } = container;
  const { dialect } = sandbox;
  const mounts = lowerMountsPlace(store.root);
  const start = (prefix: readonly string[], plan: FilesPlan) => [...prefix, process.execPath, fileURLToPath(new URL("../worker/files.ts", import.meta.url)), JSON.stringify(plan)];
  const state = stateOf(container);
  if (isUp(state)) {
    const root = action.kind === "export" ? mergedIn(container) : `/proc/${state.run.init.pid}/root`;
    return start(insideCommand(state.run), { action, root, directory, lowers: [], mounts, dialect });
  }
  const lowers = (await Promise.all(record.layers.map((diffId) => store.layers.lowers(diffId, sandbox)))).flat();
  return start(enterCommand(env), { action, directory, lowers, mounts, dialect });
}

function failureIn(said: string): ContainerError | undefined {
  const last = said.trim().split("\n").at(-1) ?? "";
  try {
    const { code, message } = JSON.parse(last) as FilesFailure;
    return new ContainerError(code as ContainerError["code"], message);
  } catch {
    return undefined;
  }
}
