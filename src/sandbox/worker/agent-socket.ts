import { connect, createServer, type Socket } from "node:net";
import { SandboxError } from "../sandbox-error.ts";

/**
 * Listens at `path` and joins each connection to the socket at `agent`: the container sees a socket of the owner that
 * it wants, and the agent a client that is us. Throws SandboxError `mount-failed`.
 */
export async function forwardAgent(agent: string, path: string): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const onward = connect(agent);
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.on("error", () => {
        client.destroy();
        onward.destroy();
      });
      socket.on("close", () => open.delete(socket));
    }
    client.pipe(onward).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new SandboxError("mount-failed", `cannot forward the agent's socket: ${error.message}`, { cause: error })));
    server.listen(path, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
