import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nearest } from "../base/nearest.ts";
import { bootId } from "../sys/process-identity.ts";
import { SandboxError } from "./sandbox-error.ts";

const KINDS = ["directory", "erofs"] as const;
const VARIABLE = "LAMINATE_SNAPSHOTS";

/** How LAMINATE_SNAPSHOTS says that layers are mounted; undefined leaves it to the machine. Throws SandboxError `bad-setting`. */
export function wantedSnapshots(env: NodeJS.ProcessEnv): (typeof KINDS)[number] | undefined {
  const text = env[VARIABLE] ?? "";
  if (text === "") return undefined;
  const kind = KINDS.find((known) => known === text);
  if (kind === undefined) {
    const close = nearest(text, KINDS);
    throw new SandboxError("bad-setting", `${VARIABLE}=${JSON.stringify(text)}: expected "directory" or "erofs"`, close === undefined ? {} : { hint: `did you mean "${close}"?` });
  }
  return kind;
}

/** Why layers cannot be mounted from images, kept in the store until the machine is started again, perhaps with another kernel. Only a hint: a file that cannot be read or written costs a new try. */
export class ImageMountMemory {
  readonly #path: string;

  constructor(root: string) {
    this.#path = join(root, "image-mounts.json");
  }

  /** Null where they can; undefined if nobody tried. */
  recall(): string | null | undefined {
    try {
      const { boot, obstacle } = JSON.parse(readFileSync(this.#path, "utf8")) as { boot?: unknown; obstacle?: unknown };
      return boot === bootId() && (obstacle === null || typeof obstacle === "string") ? obstacle : undefined;
    } catch {
      return undefined;
    }
  }

  note(obstacle: string | null): string | null {
    const made = `${this.#path}.${process.pid}`;
    try {
      writeFileSync(made, JSON.stringify({ boot: bootId(), obstacle }));
      renameSync(made, this.#path);
    } catch {
      // The next command will try again.
    }
    return obstacle;
  }
}
