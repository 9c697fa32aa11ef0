import { isRootless } from "../sandbox/namespace.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { rm } from "node:fs/promises";
import { directoriesOf, removeCgroup } from "./cgroup.ts";
import { readRun, type Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { endNetwork } from "./end-network.ts";
import { endUnknown } from "./inside.ts";

/** Removes a container that does not run: its name, then its files with its own volumes. */
export async function removeContainer(container: Container, containers: Containers, sandbox: Sandbox, env: NodeJS.ProcessEnv): Promise<void> {
  endUnknown(container);
  const run = readRun(container.directory);
  await removeCgroup(run?.cgroup?.directories ?? directoriesOf(container.id));
  if (run !== undefined) await endNetwork(run, env);
  containers.release(container);
  if (isRootless()) {
    await sandbox.removeTree(container.directory); // files of subordinate ids
  } else {
    await rm(container.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 }); // its monitor may still write its last files
  }
}
