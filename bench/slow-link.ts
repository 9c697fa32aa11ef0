import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

/** A wire to a registry that is far away: see slow-link-main.ts. */
export interface SlowLink extends AsyncDisposable {
  /** host:port. */
  readonly address: string;
}

/** Opens a slow link to a port on loopback, in a process of its own. */
export async function openSlowLink(port: number): Promise<SlowLink> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "slow-link-main.ts"), String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  const [own] = (await once(child.stdout, "data")) as [Buffer];
  return {
    address: `127.0.0.1:${own.toString().trim()}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, "exit");
    },
  };
}
