import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openLaminate } from "../api/laminate.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { ImageRig, type Ran } from "./images.ts";

/** The host's static busybox, which images of tests are made of; undefined where it is not installed (package busybox-static). */
export const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find((file) => existsSync(file));

/** A file of a build context: its text, or what else it is. */
export type ContextFile = string | Buffer | { readonly link: string } | { readonly text: string | Buffer; readonly mode: number };

/** An entry of a layer as the system's tar lists it. */
export interface Listed {
  readonly path: string;
  /** As ls writes it: `-rw-r--r--`. */
  readonly mode: string;
  /** `uid/gid`. */
  readonly owner: string;
  readonly size: number;
  /** Where a symbolic or hard link leads. */
  readonly link?: string;
}

const APPLETS = ["sh", "ash", "cat", "cp", "chmod", "chown", "echo", "env", "false", "grep", "id", "ln", "ls", "mkdir", "mv", "printf", "pwd", "rm", "sleep", "test", "touch", "true", "wc", "wget"];

/** Builds in a store of their own, and looks at what came out with the system's tar. */
export class BuildRig extends ImageRig {
  #contexts = 0;

  /** Makes an image `busybox` from the host's busybox, with a few users, for RUN to work in. */
  async busybox(): Promise<void> {
    const file = path.join(this.directory, "busybox.tar");
    writeBusybox(file);
    await this.ok(["import", "-c", "ENV PATH=/bin", file, "busybox"]);
  }

  /** A fresh directory with these files; gives its path. */
  context(files: Readonly<Record<string, ContextFile>>): string {
    this.#contexts += 1;
    const directory = path.join(this.directory, `context-${this.#contexts}`);
    mkdirSync(directory);
    writeFiles(directory, files);
    return directory;
  }

  /** `laminate build` without a network for RUN, its progress as plain lines. */
  async build(...args: readonly string[]): Promise<Ran> {
    return await this.run(["build", "--progress=plain", ...withoutNetwork(args), ...args]);
  }

  /** Builds files as an image of this name; it must succeed. */
  async built(name: string, files: Readonly<Record<string, ContextFile>>, ...args: readonly string[]): Promise<BuiltImage> {
    await this.ok(["build", "--progress=plain", ...withoutNetwork(args), "-t", name, ...args, this.context(files)]);
    return this.saved(name);
  }

  /** An image as `laminate save` writes it. */
  async saved(name: string): Promise<BuiltImage> {
    this.#contexts += 1;
    const directory = path.join(this.directory, `saved-${this.#contexts}`);
    mkdirSync(directory);
    await this.ok(["save", "-o", `${directory}.tar`, name]);
    tar("-xf", `${directory}.tar`, "-C", directory);
    return new BuiltImage(directory);
  }

  /** As an ordinary user the files of RUN belong to subordinate ids: only the sandbox can remove them. */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (process.geteuid!() !== 0 && existsSync(this.root)) {
      await using laminate = await openLaminate({ env: process.env, root: this.root });
      for (const name of ["layers", "caches"]) await laminate.sandbox.removeTree(path.join(this.root, name));
    }
    await super[Symbol.asyncDispose]();
  }
}

/** An image read from its docker archive by others than ourselves. */
export class BuiltImage {
  readonly #directory: string;
  readonly #layers: readonly string[];
  readonly config: ImageConfig;

  constructor(directory: string) {
    this.#directory = directory;
    const [manifest] = JSON.parse(readFileSync(path.join(directory, "manifest.json"), "utf8")) as [{ Config: string; Layers: string[] }];
    this.config = JSON.parse(readFileSync(path.join(directory, manifest.Config), "utf8")) as ImageConfig;
    this.#layers = manifest.Layers.map((name) => path.join(this.#directory, name));
  }

  /** What each layer holds, lowest first. */
  get layers(): readonly (readonly Listed[])[] {
    return this.#layers.map((file) => listed(file));
  }

  /** The uppermost layer's entries that are no directories, as `mode owner path[ -> link]`. */
  get files(): readonly string[] {
    return this.layers.at(-1)!.filter(({ mode }) => !mode.startsWith("d")).map(({ mode, owner, path: name, link }) => `${mode} ${owner} ${name}${link === undefined ? "" : ` -> ${link}`}`);
  }

  /** The text of a file of the uppermost layer. */
  text(name: string): string {
    return tar("-xOf", this.#layers.at(-1)!, name);
  }

  /** What the instructions of the Dockerfile left in the history. */
  get history(): readonly string[] {
    return (this.config.history ?? []).map(({ created_by }) => created_by ?? "");
  }
}

/** Writes the tar of a root file system with the host's busybox and a few users. */
export function writeBusybox(file: string): void {
  const root = `${file}.files`;
  for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp"]) mkdirSync(path.join(root, name), { recursive: true });
  chmodSync(path.join(root, "tmp"), 0o1777);
  copyFileSync(BUSYBOX!, path.join(root, "bin/busybox"));
  for (const name of APPLETS) symlinkSync("busybox", path.join(root, "bin", name));
  writeFileSync(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/srv:/bin/sh\n");
  writeFileSync(path.join(root, "etc/group"), "root:x:0:\nweb:x:102:\nstaff:x:50:web\n");
  tar("-C", root, "--owner=0", "--group=0", "--sort=name", "-cf", file, ".");
}

/** Writes files below a directory, making their parents. */
export function writeFiles(directory: string, files: Readonly<Record<string, ContextFile>>): void {
  for (const [name, file] of Object.entries(files)) {
    const place = path.join(directory, name);
    mkdirSync(path.dirname(place), { recursive: true });
    if (typeof file === "string" || Buffer.isBuffer(file)) writeFileSync(place, file);
    else if ("link" in file) symlinkSync(file.link, place);
    else {
      writeFileSync(place, file.text);
      chmodSync(place, file.mode);
    }
  }
}

/** Runs a command of this machine and gives what it printed. Throws with its complaint when it fails. */
export function tool(command: string, args: readonly string[], options: { readonly cwd?: string; readonly input?: Buffer; readonly env?: NodeJS.ProcessEnv } = {}): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, maxBuffer: 64 << 20 });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(" ")}: ${stderr.toString()}`);
  return stdout;
}

function tar(...args: readonly string[]): string {
  return tool("tar", args).toString();
}

function withoutNetwork(args: readonly string[]): readonly string[] {
  return args.some((arg) => arg.startsWith("--network")) ? [] : ["--network=none"];
}

function listed(file: string): Listed[] {
  return tar("--numeric-owner", "--quoting-style=literal", "-tvf", file).split("\n").filter((line) => line !== "").map((line) => {
    const [, mode, owner, size, rest] = /^(\S+) (\S+) +(\d+|\d+,\d+) \S+ \S+ (.*)$/s.exec(line)!;
    const [name, link] = rest!.split(/ -> | link to /);
    return { path: name!, mode: mode!, owner: owner!, size: Number.parseInt(size!, 10), ...(link === undefined ? {} : { link }) };
  });
}
