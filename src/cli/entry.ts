import { Interrupted } from "./interrupted.ts";
import { main } from "./main.ts";

// The process's side of the command: the only place that touches the ambient state. Started by bin/start.cjs.

/** Three Ctrl-C end us even when something does not let go, as with docker. */
const PATIENCE = 3;

if (process.argv[2] === "worker") {
  const { workerMain } = await import("../sandbox/worker/main.ts");
  workerMain(process);
} else {
  const code = await main({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: abortSignal(),
  });
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(code);
}

function abortSignal(): AbortSignal {
  const controller = new AbortController();
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
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return controller.abort(new Interrupted("SIGPIPE"));
    process.stderr.write(`laminate: write to standard output: ${error.message}\n`);
    process.exit(1);
  });
  process.stderr.on("error", () => {}); // a build goes on when nobody watches it
  return controller.signal;
}

/** Waits until a stream has taken everything, or has said why it cannot. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) setImmediate(resolve);
    else stream.write("", () => setImmediate(resolve));
  });
}
