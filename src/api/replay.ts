import { cpSync, lstatSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Texts } from "../dockerfile/advice/proposal.ts";
import type { IgnoreRules } from "../dockerfile/ignore.ts";
import type { Change, Difference, Measured } from "../explain/advice.ts";
import type { Digest } from "../oci/digest.ts";
import { build, type BuildOptions } from "./build.ts";
import { diff } from "./diff.ts";
import type { Scratch } from "./scratch.ts";

export interface ReplayOptions {
  /** The directory of the context. */
  readonly directory: string;
  readonly ignore: IgnoreRules | undefined;
  /** What the builds have besides: arguments, target, network, secrets. */
  readonly build: Omit<BuildOptions, "context" | "file" | "stdin" | "tags" | "noCache" | "pull" | "outputs">;
  readonly signal: AbortSignal;
}

/**
 * Builds variants of a Dockerfile in a scratch store, with a copy of the context, before and after one change of it.
 * What the build after the change learned is forgotten again, so that every variant does all the work of its own.
 */
export class Replay {
  readonly #scratch: Scratch;
  readonly #options: ReplayOptions;
  readonly #dockerfile: string;
  /** The copy of the context. */
  readonly directory: string;

  /** Copies the context without what is ignored anyway. */
  constructor(scratch: Scratch, options: ReplayOptions) {
    this.#scratch = scratch;
    this.#options = options;
    this.directory = path.join(scratch.directory, "context");
    this.#dockerfile = path.join(scratch.directory, "Dockerfile");
    mkdirSync(this.directory);
    copyContext(options.directory, this.directory, options.ignore);
    scratch.laminate.sandbox.prepare(); // its start is no variant's
  }

  /** Builds a variant, makes the change, and builds it again. Throws what a build throws. */
  async measure(texts: Texts, change: Change): Promise<Measured> {
    const { store } = this.#scratch.laminate;
    this.#write(texts);
    const plain = await this.#build(change.kind === "argument" ? { [change.name]: change.from } : {});
    const known = store.records.names();
    using _made = this.#change(change);
    const started = performance.now();
    const changed = await this.#build(change.kind === "argument" ? { [change.name]: change.value } : {});
    const seconds = (performance.now() - started) / 1000;
    store.records.forgetSince(known);
    return { plain, changed, seconds, bytes: await this.#bytes(plain) };
  }

  /** What differs between the files of two variants' images, before the change and after it. */
  async differences(before: Measured, after: Measured): Promise<Difference[]> {
    const [plain, changed] = await Promise.all([this.#diff(before.plain, after.plain), this.#diff(before.changed, after.changed)]);
    return [...plain, ...changed];
  }

  /** What differs between two builds of one variant that run every step. */
  async noise(texts: Texts, plain: string): Promise<Difference[]> {
    this.#write(texts);
    return await this.#diff(plain, await this.#build({}, true));
  }

  async #diff(before: string, after: string): Promise<Difference[]> {
    return (await diff(this.#scratch.laminate, { before, after })).map(({ kind, path: at }) => ({ kind, path: at }));
  }

  #write({ dockerfile, ignore }: Texts): void {
    writeFileSync(this.#dockerfile, dockerfile);
    // One that belongs to the Dockerfile goes before the one in the context.
    if (ignore === undefined) rmSync(`${this.#dockerfile}.dockerignore`, { force: true });
    else writeFileSync(`${this.#dockerfile}.dockerignore`, ignore);
  }

  async #build(args: Readonly<Record<string, string>>, noCache = false): Promise<Digest> {
    const { build: options, signal } = this.#options;
    const { id } = await build(this.#scratch.laminate, { ...options, buildArgs: { ...options.buildArgs, ...args }, context: this.directory, file: this.#dockerfile, tags: [], noCache, pull: false }, { events: () => {}, signal });
    return id!;
  }

  async #bytes(image: string): Promise<number> {
    const { images, layers } = this.#scratch.laminate.store;
    const { rootfs } = await images.config(images.find(image));
    const sizes = await Promise.all(rootfs.diff_ids.map((layer) => layers.tarSize(layer)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Makes a change of the context, until it is disposed of. A line break at its end makes another file of each text, and harms none. */
  #change(change: Change): Disposable {
    if (change.kind === "argument") return { [Symbol.dispose]: () => {} };
    const file = path.join(this.directory, change.path);
    const { atime, mtime } = lstatSync(file);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes, Buffer.from("\n")]));
    return {
      [Symbol.dispose]: () => {
        writeFileSync(file, bytes);
        utimesSync(file, atime, mtime);
      },
    };
  }
}

function copyContext(from: string, to: string, ignore: IgnoreRules | undefined): void {
  cpSync(from, to, {
    recursive: true,
    preserveTimestamps: true,
    verbatimSymlinks: true,
    filter: (source) => {
      const name = path.relative(from, source);
      if (name === "") return true;
      const stat = lstatSync(source);
      if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()) return false;
      return ignore?.ignores(name) !== true || (stat.isDirectory() && ignore.mayContainIncluded(name));
    },
  });
}
