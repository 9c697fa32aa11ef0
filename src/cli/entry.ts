import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { Interrupted } from "./interrupted.ts";
import { main } from "./main.ts";

// The process's side of the command: the only place that touches the ambient state. Started by bin/start.cjs.

/** Three Ctrl-C end us even when something does not let go, as with docker. */
const PATIENCE = 3;

void (process.argv[2] === "worker" ? work() : command());

/** `laminate worker`: the sandbox's other process. */
async function work(): Promise<void> {
  const { workerMain } = await import("../sandbox/worker/main.ts");
  workerMain(process);
}

async function command(): Promise<void> {
  const controller = new AbortController();
  abortOnSignals(controller);
  const output = lazily(() => quietlyClosed(process.stdout, controller));
  const errors = lazily(() => process.stderr.on("error", () => {})); // a build goes on when nobody watches it
  const code = await main({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    // Getters: each stream costs a millisecond or two, and few commands use all three.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return output.get();
    },
    get stderr() {
      return errors.get();
    },
    signal: controller.signal,
    takeSignals,
  });
  await Promise.all([output, errors].map((stream) => (stream.made() ? flushed(stream.get()) : undefined)));
  process.exit(code);
}

function abortOnSignals(controller: AbortController): void {
  let asked = 0;
  // Not SIGHUP: a handler would undo nohup, and a death without warning leaves nothing half-made anyway.
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      asked += 1;
      const reason = new Interrupted(name);
      controller.abort(reason);
      if (asked >= PATIENCE) process.exit(reason.exitCode);
    });
  }
}

const PROXIED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGCONT", "SIGTSTP", "SIGIO", "SIGPWR", "SIGXCPU", "SIGXFSZ"] as const;

/** See CommandContext. A signal that we were told to ignore (nohup) stays ignored. */
function takeSignals(deliver: (name: NodeJS.Signals) => void, onResize: () => void): () => void {
  const ignored = ignoredSignals();
  const names = PROXIED.filter((name) => (ignored & (1n << BigInt(constants.signals[name] - 1))) === 0n);
  const before = names.map((name) => [name, process.listeners(name)] as const);
  for (const name of names) process.removeAllListeners(name).on(name, deliver);
  process.on("SIGWINCH", onResize);
  return () => {
    process.off("SIGWINCH", onResize);
    for (const [name, listeners] of before) {
      process.off(name, deliver);
      for (const listener of listeners) process.on(name, listener);
    }
  };
}

/** proc(5), /proc/PID/status, SigIgn: a bit for each signal. */
function ignoredSignals(): bigint {
  const found = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "latin1"));
  return BigInt(`0x${found?.[1] ?? "0"}`);
}

/** Standard output, whose reader may go away: then the command ends without a word. */
function quietlyClosed(stdout: NodeJS.WriteStream, controller: AbortController): NodeJS.WriteStream {
  return stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return controller.abort(new Interrupted("SIGPIPE"));
    process.stderr.write(`laminate: write to standard output: ${error.message}\n`);
    process.exit(1);
  });
}

function lazily<T>(make: () => T): { readonly get: () => T; readonly made: () => boolean } {
  let value: T | undefined;
  return { get: () => (value ??= make()), made: () => value !== undefined };
}

/** Waits until a stream has taken everything, or has said why it cannot. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) setImmediate(resolve);
    else stream.write("", () => setImmediate(resolve));
  });
}
