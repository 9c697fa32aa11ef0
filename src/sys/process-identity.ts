import { readFileSync } from "node:fs";

/** A process that can be told from another that later got its number: `start` is its start time in clock ticks since boot (proc(5)). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** The identity of a process that lives now; undefined when there is none. A zombie does not live. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields.state === "Z" || fields.state === "X" ? undefined : { pid, start: fields.start };
}

/** Whether it is still that process. Holds within one boot only: compare {@link bootId} first. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.start === identity.start;
}

/** Differs after every start of the machine. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function statFields(pid: number): { readonly state: string; readonly start: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name, in brackets, may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  return state === undefined || start === undefined ? undefined : { state, start };
}
