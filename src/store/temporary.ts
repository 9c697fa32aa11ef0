import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const DAY = 24 * 60 * 60 * 1000;

/**
 * Directories for what is half-written. Their names tell whose they are, so that those of dead processes can be swept:
 * `<pid>-<pid namespace>-<random>`, as two containers may share a store and have the same process ids.
 */
export class TemporaryDirectories {
  readonly #root: string;
  readonly #namespace = pidNamespace();
  #count = 0;
  readonly #own = randomBytes(6).toString("hex");

  constructor(root: string) {
    this.#root = root;
  }

  /** A fresh, existing, empty directory. */
  directory(): string {
    const path = this.path();
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  /** A fresh path for one file or directory. */
  path(): string {
    this.#count += 1;
    return join(this.#root, `${process.pid}-${this.#namespace}-${this.#own}${this.#count}`);
  }

  /** Removes what dead processes left. What belongs to other users' ids stays: the answer lists it for the sandbox to remove. */
  sweep(now: number): string[] {
    const left: string[] = [];
    for (const name of readdirSync(this.#root)) {
      const path = join(this.#root, name);
      if (!this.#isAbandoned(name, path, now)) continue;
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        left.push(path);
      }
    }
    return left;
  }

  #isAbandoned(name: string, path: string, now: number): boolean {
    const [pid, namespace] = name.split("-");
    if (namespace === this.#namespace && pid !== undefined) return Number(pid) !== process.pid && !isAlive(Number(pid));
    const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    return changed !== undefined && now - changed > DAY;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
