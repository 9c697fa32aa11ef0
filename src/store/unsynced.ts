import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { errnoOf } from "../base/failure.ts";
import { syncfs } from "../sys/files.ts";

/** By then the kernel has written what was dirty by itself (proc-sys-vm, dirty_expire_centisecs), so a sync costs little. Milliseconds. */
const SETTLED_AFTER = 60_000;

/**
 * Which things in the store are in place but perhaps not on the disk yet, `unsynced/NAME` with the machine's boot id in
 * it. A killed process loses nothing by that, as the kernel still has the bytes; a machine that goes down does: what is
 * marked with the id of an earlier boot is doubtful. The mark is made before the thing gets its place, and a journaling
 * file system keeps that order.
 */
export class Unsynced {
  readonly #directory: string;
  readonly #boot: string;

  constructor(root: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#directory = path.join(root, "unsynced");
    this.#boot = bootId();
    if (!readOnly) mkdirSync(this.#directory, { recursive: true });
  }

  /** Says that what is about to get its place has not been synced. */
  mark(name: string): void {
    writeFileSync(path.join(this.#directory, name), this.#boot);
  }

  /** Says that the disk refused it. An empty mark is no boot's id, and takes no room on a full disk. */
  doubt(name: string): void {
    writeFileSync(path.join(this.#directory, name), "");
  }

  /** Says that it is on the disk now, or gone. */
  settle(name: string): void {
    rmSync(path.join(this.#directory, name), { force: true });
  }

  /** Whether the machine went down before the thing was surely on the disk, or the disk refused it. */
  isDoubtful(name: string): boolean {
    try {
      return readFileSync(path.join(this.#directory, name), "utf8") !== this.#boot;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  /** What is doubtful of the things whose names end so, without that end. */
  doubtful(end: string): readonly string[] {
    return readdirSync(this.#directory).flatMap((name) => (name.endsWith(end) && this.isDoubtful(name) ? [name.slice(0, -end.length)] : []));
  }

  /** Settles what was marked a while ago in this boot, with one sync for all. */
  async sweep(now: number): Promise<void> {
    const old = readdirSync(this.#directory)
      .map((name) => ({ name, marked: this.#markedAt(name) }))
      .filter(({ name, marked }) => marked !== undefined && marked < now - SETTLED_AFTER && !this.isDoubtful(name));
    if (old.length === 0) return;
    await syncfs(this.#directory);
    for (const { name, marked } of old) {
      if (this.#markedAt(name) === marked) this.settle(name); // else it was made anew meanwhile
    }
  }

  /** Milliseconds since the epoch. */
  #markedAt(name: string): number | undefined {
    return statSync(path.join(this.#directory, name), { throwIfNoEntry: false })?.mtimeMs;
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
