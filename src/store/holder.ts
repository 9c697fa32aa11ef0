import { randomBytes } from "node:crypto";
import { identityOf } from "../sys/process-identity.ts";

/** A name for something that a process holds until it ends: its id and start time, which together name it until the next boot, and something random. */
export function holderName(): string {
  return `${process.pid}-${identityOf(process.pid)?.start ?? 0}-${randomBytes(4).toString("hex")}`;
}

/** Whether the process of a {@link holderName} lives. */
export function isHolderAlive(name: string): boolean {
  const [pid, started] = name.split("-");
  return started !== undefined && identityOf(Number(pid))?.start === started;
}
