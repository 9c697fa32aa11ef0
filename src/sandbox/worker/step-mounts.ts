import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf, reasonOf } from "../../base/failure.ts";
import { mount, MOUNT, unmount } from "../../sys/mounts.ts";
import type { LowerMounts } from "../lower-mounts.ts";
import { mountOverlay } from "../overlay.ts";
import { resolveInRootfs } from "../rootfs-path.ts";
import type { SpecMount } from "../runtime-spec.ts";
import { SandboxError } from "../sandbox-error.ts";
import type { FileOwner, StepMount, TreePart } from "../step.ts";
import { forwardAgent } from "./agent-socket.ts";
import { removeTrees } from "./remove-tree.ts";

export interface StepMountTools {
  /** The step's own tree, mounted. */
  readonly rootfs: string;
  /** A directory of the step's own on the store's file system; removed with the step's. */
  readonly directory: string;
  readonly dialect: "trusted" | "user";
  readonly lowers: LowerMounts;
}

/** What a step's mounts are to the runtime, until they are given back. */
export interface OpenMounts extends AsyncDisposable {
  readonly mounts: readonly SpecMount[];
}

type Of<K extends StepMount["kind"]> = Extract<StepMount, { readonly kind: K }>;

/**
 * Makes the sources of a step's mounts: layers are mounted, caches made, secrets written to a file system in memory.
 * A target above another one comes first. Throws SandboxError `mount-failed`; nothing then stays mounted.
 */
export async function openMounts(wanted: readonly StepMount[], tools: StepMountTools): Promise<OpenMounts> {
  const opening = new Opening(tools);
  try {
    const mounts: SpecMount[] = [];
    for (const one of wanted.toSorted((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0))) {
      mounts.push(await opening.open(one));
    }
    return { mounts, [Symbol.asyncDispose]: () => opening.close() };
  } catch (error) {
    await opening.close();
    throw error;
  }
}

class Opening {
  readonly #tools: StepMountTools;
  readonly #held = new AsyncDisposableStack();
  #count = 0;
  #memory: string | undefined;

  constructor(tools: StepMountTools) {
    this.#tools = tools;
  }

  async open(wanted: StepMount): Promise<SpecMount> {
    switch (wanted.kind) {
      case "tree":
        return bound(this.#tree(wanted), wanted.target, wanted.readOnly);
      case "cache":
        return bound(await this.#cache(wanted), wanted.target, wanted.readOnly);
      case "tmpfs":
        return tmpfs(wanted, this.#tools.rootfs);
      case "secret":
        return this.#secret(wanted);
      case "script":
        return this.#script(wanted);
      case "agent":
        return this.#agent(wanted);
    }
  }

  close(): Promise<void> {
    return this.#held.disposeAsync();
  }

  /** The place of a part of a layer stack, links in its path followed inside the stack. */
  #tree({ lowers, source }: TreePart): string {
    const directory = this.#fresh("tree");
    const { merged } = mountOverlay({ ...this.#tools.lowers.stack(lowers), directory, dialect: this.#tools.dialect, volatile: true });
    this.#held.defer(() => release(merged));
    const found = resolveInRootfs(merged, source);
    if (!found.exists) {
      throw new SandboxError("mount-failed", `cannot mount ${JSON.stringify(source)}: it is not in the tree to be mounted`);
    }
    return merged + found.path;
  }

  /** Made under another name first: a step that comes to it meanwhile finds it whole or not at all. */
  async #cache({ path, seed, owner }: Of<"cache">): Promise<string> {
    if (existsSync(path)) return path;
    const making = `${path}.new-${process.pid}-${Date.now().toString(36)}-${this.#count}`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      if (seed === undefined) mkdirSync(making);
      else copyTree(this.#tree(seed), making);
      if (owner !== undefined) own(making, owner);
      renameSync(making, path);
    } catch (error) {
      await removeTrees([making]);
      if (!existsSync(path)) throw failed(`make the cache directory ${JSON.stringify(path)}`, error);
    }
    return path;
  }

  #secret({ content, target, ...owner }: Of<"secret">): SpecMount {
    const file = join(this.#inMemory(), `secret-${(this.#count += 1)}`);
    writeFileSync(file, Buffer.from(content, "base64"), { mode: 0o600, flag: "wx" });
    own(file, owner);
    return { destination: target, type: "bind", source: file, options: ["bind", "ro", "nosuid", "nodev", "noexec"] };
  }

  #script({ text, target }: Of<"script">): SpecMount {
    const file = join(this.#fresh("script"), "script");
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return bound(file, target, true);
  }

  async #agent({ agent, target, ...owner }: Of<"agent">): Promise<SpecMount> {
    // A socket's address is at most 107 bytes long, and a store's path may be longer.
    const file = join(this.#inMemory(), `agent-${(this.#count += 1)}`);
    this.#held.use(await forwardAgent(agent, file));
    own(file, owner);
    return { destination: target, type: "bind", source: file, options: ["bind", "nosuid", "nodev", "noexec"] };
  }

  #inMemory(): string {
    if (this.#memory === undefined) {
      const place = this.#fresh("memory");
      mountMemory(place);
      this.#held.defer(() => release(place));
      this.#memory = place;
    }
    return this.#memory;
  }

  #fresh(kind: string): string {
    const path = join(this.#tools.directory, `${kind}-${(this.#count += 1)}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }
}

/** A file system in memory that only this process looks into: what lies there never reaches a disk but by swapping. */
export function mountMemory(place: string): void {
  try {
    mount("tmpfs", place, "tmpfs", MOUNT.nosuid | MOUNT.nodev, "mode=700");
  } catch (error) {
    throw failed(`mount a file system in memory at ${JSON.stringify(place)}`, error);
  }
}

/** Unmounts, later where somebody is still on his way out of it. */
export function release(place: string): void {
  try {
    unmount(place);
  } catch {
    unmount(place, { lazy: true });
  }
}

function bound(source: string, destination: string, readOnly: boolean): SpecMount {
  return { destination, type: "bind", source, options: ["rbind", ...(readOnly ? ["ro"] : [])] };
}

/** It has the mode of the directory that it hides, else the kernel's default: as runc does by itself, and so Docker. */
function tmpfs({ target, size }: Of<"tmpfs">, rootfs: string): SpecMount {
  const below = resolveInRootfs(rootfs, target);
  const mode = below.exists ? lstatSync(rootfs + below.path).mode & 0o7777 : 0o1777;
  return { destination: target, type: "tmpfs", source: "tmpfs", options: ["nosuid", `mode=${mode.toString(8)}`, ...(size === undefined ? [] : [`size=${size}`])] };
}

/** Owners, times and attributes with it; a file instead of a directory would be no cache. */
function copyTree(from: string, to: string): void {
  if (!lstatSync(from).isDirectory()) throw new Error("what it is to be filled from is not a directory");
  execFileSync("cp", ["-a", "--", from, to], { stdio: ["ignore", "ignore", "pipe"] });
}

function own(path: string, { uid, gid, mode }: FileOwner): void {
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    if (errnoOf(error) !== "EINVAL") throw error;
    rmSync(path, { recursive: true, force: true });
    throw failed(`give a file to ${uid}:${gid}`, error, "an ordinary user has only the ids that /etc/subuid and /etc/subgid give");
  }
  chmodSync(path, mode);
}

function failed(action: string, cause: unknown, hint?: string): SandboxError {
  return new SandboxError("mount-failed", `cannot ${action}: ${reasonOf(cause)}`, { cause, ...(hint === undefined ? {} : { hint }) });
}
