import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, type ProcessIdentity } from "../../sys/process-identity.ts";
import { ContainerError } from "../container-error.ts";
import { readExit } from "../container.ts";
import type { LaunchPlan } from "../launch-plan.ts";
import type { Streams } from "./streams.ts";

/** The descriptor on which who started us says what reached it: {@link Said}, a line each. Its end is their end. */
export const CONTROL = 3;

/** `signal SIGTERM`, or `size ROWS COLUMNS` of the terminal. */
export type Said = `signal ${string}` | `size ${number} ${number}`;

const POLL_MS = 2;
const SIGPIPE = 141;

/** Stays with a container whose streams are ours; the code to end with, and whether the container has ended. */
export async function accompany(
  { record, directory, monitor, init }: Pick<LaunchPlan, "record" | "directory"> & { readonly monitor: ProcessIdentity; readonly init: ProcessIdentity },
  streams: Streams,
): Promise<{ readonly code: number; readonly ended: boolean }> {
  obey(streams, init);
  const why = await streams.parted;
  streams.close();
  if (why === "detached") return { code: 0, ended: false };
  if (why === "unread") {
    // As for a program in a pipe: nobody could ever see what it still says, and nothing of it is kept.
    if (record.autoRemove) deliver(init, "SIGKILL");
    return { code: SIGPIPE, ended: false };
  }
  const exit = await recordedExit({ id: record.id, directory }, monitor);
  if (exit === undefined) throw new ContainerError("monitor-lost", `the monitor of container ${record.name} (conmon, process ${monitor.pid}) is gone: how the container ends will not be known`);
  return { code: exit, ended: true };
}

/** How a container ended, waited for while its monitor lives; undefined when that died before it. */
async function recordedExit(container: { readonly id: string; readonly directory: string }, monitor: ProcessIdentity): Promise<number | undefined> {
  for (let alive = true; ; alive = isAlive(monitor)) {
    const exit = readExit(container);
    if (exit !== undefined || !alive) return exit?.exitCode;
    await sleep(POLL_MS);
  }
}

function obey(streams: Streams, init: ProcessIdentity): void {
  if (!existsSync(`/proc/self/fd/${CONTROL}`)) return;
  const control = new Socket({ fd: CONTROL, readable: true, writable: false });
  let rest = "";
  control.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const [what, ...words] = line.split(" ");
      if (what === "signal") deliver(init, words[0] as NodeJS.Signals);
      if (what === "size") streams.resize(Number(words[0]), Number(words[1]));
    }
  });
  control.once("end", leave).once("error", leave);
  control.unref();

  /** Who started us was killed or lets go; the container goes on without anybody who watches it (as with docker). */
  function leave(): void {
    streams.close(); // a thread that still reads would not let the process end
    process.exit(0);
  }
}

function deliver(init: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    if (isAlive(init)) process.kill(init.pid, signal);
  } catch {
    // It ended meanwhile.
  }
}
