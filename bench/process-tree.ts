import { readdirSync, readFileSync } from "node:fs";
import type { ProcessEvents } from "./process-events.ts";

const PAGE = 4096;
/** Within this time a child that has not called exec is on its way to, and shares its parent's pages; in milliseconds. */
const FORK_GRACE = 50;

/** The processes that descend from the roots, kept up to date by the kernel's events. */
export class ProcessTree {
  readonly #events: ProcessEvents;
  readonly #alive = new Map<number, { programSince: number }>();
  started = 0;

  constructor(events: ProcessEvents, roots: readonly number[]) {
    this.#events = events;
    this.add(roots);
  }

  add(roots: readonly number[]): void {
    for (const pid of roots) this.#alive.set(pid, { programSince: 0 });
  }

  get alive(): readonly number[] {
    return [...this.#alive.keys()];
  }

  /** Follows what happened since the last call. */
  follow(now: number): void {
    for (const { kind, pid, parent } of this.#events.drain()) {
      if (kind === "exit") this.#alive.delete(pid);
      if (kind === "exec" && this.#alive.has(pid)) this.#alive.set(pid, { programSince: 0 });
      if (kind !== "fork" || !this.#alive.has(parent)) continue;
      this.#alive.set(pid, { programSince: now + FORK_GRACE });
      this.started += 1;
    }
  }

  /** Memory in bytes that belongs to the processes alone: no file's pages, no shared memory. */
  anonymous(now: number): number {
    let sum = 0;
    for (const [pid, { programSince }] of this.#alive) if (programSince <= now) sum += anonymousOf(pid);
    return sum;
  }
}

/** A process and all below it, from /proc. */
export function withDescendants(roots: readonly number[]): number[] {
  const parents = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), parentOf(name)] as const);
  const found = new Set(roots);
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** The fields of /proc/PID/stat that follow the name, from field 3 on; none for a process that is gone. */
export function statFields(pid: number | string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /s, "").trim().split(" ");
  } catch {
    return [];
  }
}

function parentOf(pid: string): number {
  return Number(statFields(pid)[1] ?? 0);
}

function anonymousOf(pid: number): number {
  try {
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ");
    return (Number(resident) - Number(shared)) * PAGE;
  } catch {
    return 0;
  }
}
