import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NetworkProvider } from "./providers.ts";

const DAY_MS = 86_400_000;

/**
 * Which tools hung on this machine since it was started, kept in the store for a day: a build should wait for such a
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
    const { boot, times } = this.#read();
    const kept = boot === bootId() ? times : {};
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify({ boot: bootId(), times: { ...kept, [tool.path]: this.#now() } }));
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // The next build will wait again.
    }
  }

  #read(): { readonly boot?: string; readonly times: Readonly<Record<string, number>> } {
    try {
      const { boot, times } = JSON.parse(readFileSync(this.#path, "utf8")) as { boot?: unknown; times?: unknown };
      return typeof boot === "string" && typeof times === "object" && times !== null ? { boot, times: times as Record<string, number> } : { times: {} };
    } catch {
      return { times: {} };
    }
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
