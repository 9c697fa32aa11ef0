import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { SandboxError } from "../sandbox-error.ts";

/** The tool did not come up in time; worth remembering, as finding it out again costs seconds. */
export class NetworkTimeout extends SandboxError {
  constructor(tool: string) {
    super("network-failed", `cannot start ${tool}: not ready after ${READY_MS} ms`);
  }
}

/** A tool that has not said it is ready by then never will (a pasta that waits for a tty, a slirp4netns without /dev/net/tun); on a busy machine it takes a second or two. */
const READY_MS = 10_000;

export interface ToolStart {
  readonly tool: string;
  /** The file that is its standard error: a pipe would break, and the tool with it, when we end before it. */
  readonly log: string;
  /** It is ready when this says something; else when it ends with 0, gone to the background. */
  readonly ready?: NodeJS.ReadableStream;
}

/** Waits until a tool is ready. One that is not in time, or ends otherwise, is killed with its process group, and this rejects. */
export function untilReady(child: ChildProcess, { tool, log, ready }: ToolStart): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (error: Error) => {
      clearTimeout(timer);
      killGroup(child);
      reject(error);
    };
    const timer = setTimeout(() => stop(new NetworkTimeout(tool)), READY_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    child.once("error", (error) => stop(failure(tool, error.message, "")));
    child.once("exit", (code, signal) => {
      if (code === 0 && ready === undefined) done();
      else stop(failure(tool, `it ended with ${signal ?? code}`, readFileSync(log, "utf8")));
    });
    ready?.once("data", done).on("error", () => {});
  });
}

function failure(tool: string, what: string, said: string): SandboxError {
  const last = said.trim().split("\n").at(-1) ?? "";
  return new SandboxError("network-failed", `cannot start ${tool}: ${what}${last === "" ? "" : `: ${last}`}`);
}

/** Started detached, it leads a process group. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // ESRCH: all of it is gone.
  }
}
