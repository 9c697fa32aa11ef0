import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/failure.ts";
import { nearestHint } from "../base/nearest.ts";
import type { Digest } from "../oci/digest.ts";
import { ContainerError } from "./container-error.ts";
import { tryRemove } from "./cgroup.ts";
import { namesIn, readContainer, readRun, stateOf, type Container } from "./container.ts";
import { randomName } from "./random-name.ts";
import type { ContainerRecord } from "./record.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const ID = /^[0-9a-f]{64}$/;
const HALF_MADE_MS = 3_600_000;

/**
 * The containers of a store: a directory each below `containers/`, and for each name a link in `container-names/` to
 * its container's ID. Making a link is atomic, so two processes cannot take one name; a link whose container is gone is free.
 */
export class Containers {
  readonly #directory: string;
  readonly #names: string;

  constructor(root: string) {
    this.#directory = join(root, "containers");
    this.#names = join(root, "container-names");
  }

  /** Makes a container under the name given or one that is free. Nothing remains when the name is taken. */
  create(record: (id: string, name: string) => ContainerRecord, name?: string): Container {
    if (name !== undefined) checkName(name);
    this.#sweep();
    mkdirSync(this.#names, { recursive: true, mode: 0o700 });
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const id = randomBytes(32).toString("hex");
    const directory = join(this.#directory, id);
    // Not for other users of the machine: a container's files may be setuid.
    mkdirSync(directory, { mode: 0o700 });
    try {
      writeRecord(directory, record(id, name ?? id)); // a name whose link is there must have a container
      const taken = name === undefined ? this.#takeFreeName(id) : this.#takeName(name, id);
      const made = record(id, taken);
      writeRecord(directory, made);
      return { id, directory, record: made };
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Newest first. */
  list(): Container[] {
    const found = namesIn(this.#directory)
      .filter((name) => ID.test(name))
      .flatMap((name) => readContainer(join(this.#directory, name)) ?? []);
    return found.sort((a, b) => b.record.created - a.record.created);
  }

  /** The container with a name, an ID or the only one whose ID starts so. */
  find(query: string): Container {
    const wanted = query.replace(/^\//, "");
    const found = this.#byName(wanted) ?? this.#byId(wanted);
    if (found === undefined) throw new ContainerError("no-such-container", `No such container: ${query}`, nearestHint(wanted, this.names()));
    return found;
  }

  /** The names of all containers. */
  names(): readonly string[] {
    return namesIn(this.#names).filter((name) => this.#byName(name) !== undefined);
  }

  /** Frees a container's name; its directory is removed by who may (see remove.ts). */
  release(container: Container): void {
    const link = this.nameLink(container);
    if (linkTarget(link) === container.id) rmSync(link, { force: true });
  }

  /** Gives a container another name. */
  rename(container: Container, name: string): void {
    checkName(name);
    this.#takeName(name, container.id);
    this.release(container);
    writeRecord(container.directory, { ...container.record, name });
  }

  nameLink(container: Container): string {
    return join(this.#names, container.record.name);
  }

  #byName(name: string): Container | undefined {
    if (!NAME.test(name)) return undefined;
    const id = linkTarget(join(this.#names, name));
    return id === undefined || !ID.test(id) ? undefined : readContainer(join(this.#directory, id));
  }

  #byId(prefix: string): Container | undefined {
    if (!/^[0-9a-f]+$/.test(prefix)) return undefined;
    const matches = namesIn(this.#directory).filter((name) => ID.test(name) && name.startsWith(prefix));
    if (matches.length > 1) throw new ContainerError("ambiguous-id", `multiple IDs found with provided prefix: ${prefix}`);
    return matches[0] === undefined ? undefined : readContainer(join(this.#directory, matches[0]));
  }

  #takeFreeName(id: string): string {
    for (let attempt = 0; ; attempt += 1) {
      const name = attempt < 20 ? randomName(attempt) : id.slice(0, 12);
      try {
        return this.#takeName(name, id);
      } catch (error) {
        if (attempt > 20) throw error;
      }
    }
  }

  #takeName(name: string, id: string): string {
    const link = join(this.#names, name);
    if (tryLink(id, link)) return name;
    const holder = this.#byName(name);
    if (holder !== undefined) {
      throw new ContainerError("name-in-use", `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`);
    }
    rmSync(link, { force: true }); // its container is gone
    return tryLink(id, link) ? name : this.#takeName(name, id);
  }

  /** What is left of containers whose end nobody saw: cgroups, directories without a record that are too old to be in the making, names. */
  #sweep(): void {
    for (const name of namesIn(this.#directory)) {
      const directory = join(this.#directory, name);
      const container = readContainer(directory);
      if (container !== undefined && stateOf(container).status === "dead") tryRemove(readRun(directory)?.cgroup?.directories ?? []);
      if (container === undefined && age(directory) > HALF_MADE_MS) {
        try {
          rmSync(directory, { recursive: true, force: true });
        } catch {
          // Files of other owners: a half removed one, which `laminate rm` of an ordinary user cannot meet again.
        }
      }
    }
    for (const name of namesIn(this.#names)) {
      const link = join(this.#names, name);
      const id = linkTarget(link);
      if (id !== undefined && !existsSync(join(this.#directory, id))) rmSync(link, { force: true });
    }
  }
}

/** The containers that were made from an image, for `rmi` to protect it. */
export function containersUsing(store: { readonly root: string }, imageId: Digest): Container[] {
  return new Containers(store.root).list().filter(({ record }) => record.image.id === imageId);
}

/** Replaces a container's `config.json`. */
export function writeRecord(directory: string, record: ContainerRecord): void {
  writeAtomically(join(directory, "config.json"), `${JSON.stringify(record, undefined, 1)}\n`);
}

/** Readers see the old text or the new one. */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new ContainerError("bad-name", `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

function tryLink(target: string, path: string): boolean {
  try {
    symlinkSync(target, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function age(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}
