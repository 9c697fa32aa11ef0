import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NetworkProvider } from "./providers.ts";

const DAY_MS = 86_400_000;

interface Memory {
  readonly boot?: string;
  /** When a tool hung, by its path. */
  readonly times: Readonly<Record<string, number>>;
  readonly told?: readonly string[];
}

/**
 * Which tools hung on this machine since it was started, and what the user was told of it, kept in the store for a day: a build should wait for such a
 * tool once, not always. Only a hint; a file that cannot be read or written changes nothing but time.
 */
export class NetworkMemory {
  readonly #path: string;
  readonly #now: () => number;

  constructor(root: string, now: () => number = Date.now) {
    this.#path = join(root, "network-tools.json");
    this.#now = now;
  }

  hung(tool: Pick<NetworkProvider, "path">): boolean {
    const { boot, times } = this.#read();
    return boot === bootId() && this.#now() - (times[tool.path] ?? 0) < DAY_MS;
  }

  noteHung(tool: Pick<NetworkProvider, "path">): void {
    const { boot, times, told = [] } = this.#read();
    this.#write(boot === bootId() ? { times: { ...times, [tool.path]: this.#now() }, told } : { times: { [tool.path]: this.#now() } });
  }

  /** Whether something is told for the first time since the machine was started. */
  isNews(text: string): boolean {
    const { boot, times, told = [] } = this.#read();
    if (boot === bootId() && told.includes(text)) return false;
    this.#write({ times: boot === bootId() ? times : {}, told: [...(boot === bootId() ? told : []), text] });
    return true;
  }

  #write(memory: Omit<Memory, "boot">): void {
    try {
      const temporary = `${this.#path}.${process.pid}`;
      writeFileSync(temporary, JSON.stringify({ boot: bootId(), ...memory }));
      renameSync(temporary, this.#path);
    } catch {
      // The next one will find out again.
    }
  }

  #read(): Memory {
    try {
      const { boot, times, told } = JSON.parse(readFileSync(this.#path, "utf8")) as { boot?: unknown; times?: unknown; told?: unknown };
      if (typeof boot !== "string" || typeof times !== "object" || times === null) return { times: {} };
      return { boot, times: times as Record<string, number>, ...(Array.isArray(told) ? { told: told as string[] } : {}) };
    } catch {
      return { times: {} };
    }
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
