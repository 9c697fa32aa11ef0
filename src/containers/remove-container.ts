import { isRootless } from "../sandbox/namespace.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { rm } from "node:fs/promises";
import { directoriesOf, removeCgroup } from "./cgroup.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { endUnknown } from "./inside.ts";

/** Removes a container that does not run: its name, then its files with its own volumes. */
export async function removeContainer(container: Container, containers: Containers, sandbox: Sandbox): Promise<void> {
  endUnknown(container);
  await removeCgroup(directoriesOf(container.id));
  containers.release(container);
  if (isRootless()) {
    await sandbox.removeTree(container.directory); // files of subordinate ids
  } else {
    await rm(container.directory, { recursive: true, force: true });
  }
}
