import { endLink } from "../sandbox/network/veth.ts";
import { bootId, isAlive } from "../sys/process-identity.ts";
import type { RunRecord } from "./record.ts";

/** What is left of a container's network when its processes have ended. */
export type NetworkRemains = Pick<RunRecord, "boot" | "network" | "helpers">;

/**
 * Takes away what a container's network leaves when its monitor could not: after a kill of that, or while it is still
 * about to. For a container that has ended; does nothing when nothing is left.
 */
export async function endNetwork({ boot, network, helpers }: NetworkRemains, env: NodeJS.ProcessEnv): Promise<void> {
  if (boot !== bootId()) return;
  endHelpers(helpers);
  if (network.link !== undefined) await endLink(network.link, env);
}

/** Ends the programs that serve it. */
export function endHelpers(helpers: NetworkRemains["helpers"]): void {
  for (const helper of helpers) {
    if (isAlive(helper)) tryKill(helper.pid);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
