import { readMessages } from "./lines.ts";
import type { ToWorker } from "./messages.ts";
import { Server } from "./serve.ts";

/**
 * The sandbox worker's life: requests as lines of JSON on standard input, answers on standard output.
 * It is process 1 of its PID namespace and ends when standard input does, so when whoever started it dies;
 * the kernel then kills every process below it, and its mounts go with its mount namespace.
 */
export function workerMain(process: NodeJS.Process): void {
  process.umask(0o022);
  process.stdout.setMaxListeners(0); // one a stream that waits for room
  const server = new Server(process.env, (message) => {
    const hasRoom = process.stdout.write(`${JSON.stringify(message)}\n`);
    return hasRoom ? undefined : new Promise((resolve) => process.stdout.once("drain", resolve));
  });
  process.stdout.on("error", () => process.exit(0));
  process.stdin.once("close", () => void server.end().finally(() => process.exit(0)));
  readMessages<ToWorker>(process.stdin, (message) => server.receive(message));
}

// As an entry of its own in tests; the command's entry calls workerMain when its first argument is `worker`.
if (import.meta.main) workerMain(process);
