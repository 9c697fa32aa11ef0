import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { writeTar, type TarSource } from "../archive/write-tar.ts";
import { main } from "../cli/main.ts";
import { screen } from "./command-line.ts";

/** What a command line printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A store of its own, for command lines to work on. */
export class ImageRig implements AsyncDisposable {
  readonly #more: NodeJS.ProcessEnv;
  #directory: string | undefined;
  #env: NodeJS.ProcessEnv | undefined;

  /** `env` is added to this process's environment. */
  constructor(env: NodeJS.ProcessEnv = {}) {
    this.#more = env;
  }

  /** Made when it is first wanted: where all tests of a file are skipped, nobody would remove it. */
  get directory(): string {
    return (this.#directory ??= mkdtempSync(path.join(tmpdir(), "laminate-images-")));
  }

  get root(): string {
    return path.join(this.directory, "store");
  }

  /** Of every command line; a test may change it. */
  get env(): NodeJS.ProcessEnv {
    return (this.#env ??= { ...process.env, DOCKER_CONFIG: path.join(this.directory, "docker"), ...this.#more, LAMINATE_ROOT: this.root });
  }

  /** Runs `laminate ARGS` in the rig's directory, or elsewhere; `stdin` is what it reads. */
  async run(args: readonly string[], stdin?: AsyncIterable<Buffer> | Iterable<Buffer>, at: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<Ran> {
    const { world, out, err } = screen({ cwd: at.cwd ?? this.directory, env: { ...this.env, ...at.env } });
    const input = stdin === undefined ? world.stdin : (Readable.from(stdin) as unknown as NodeJS.ReadStream);
    const code = await main({ ...world, stdin: input, argv: args });
    await new Promise((resolve) => setImmediate(resolve));
    return { code, out: out(), err: err() };
  }

  /** As {@link run}, and it must succeed; gives what it printed. */
  async ok(args: readonly string[], stdin?: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
    const { code, out, err } = await this.run(args, stdin);
    if (code !== 0) throw new Error(`laminate ${args.join(" ")}: exit ${code}\n${err}`);
    return out;
  }

  /** Imports a small root file system under a name; gives the image's ID. */
  async image(name: string, files: Readonly<Record<string, string>> = { "etc/motd": `hello from ${name}\n` }, changes: readonly string[] = []): Promise<string> {
    const flags = changes.flatMap((change) => ["-c", change]);
    return (await this.ok(["import", ...flags, "-", name], rootfs(files))).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The tar of a root file system that holds these files. */
export function rootfs(files: Readonly<Record<string, string>>): AsyncIterable<Buffer> {
  const names = Object.keys(files).sort();
  const directories = [...new Set(names.flatMap((name) => parents(name)))].sort();
  return writeTar([...directories.map((name) => member(name)), ...names.map((name) => member(name, files[name]))]);
}

/** A directory, or a file with `text`. */
export function member(name: string, text?: string | Buffer): TarSource {
  const bytes = text === undefined ? undefined : Buffer.from(text);
  const type = bytes === undefined ? "directory" : "file";
  const header = { name, type, mode: bytes === undefined ? 0o755 : 0o644, uid: 0, gid: 0, size: bytes?.length ?? 0, mtime: 1_700_000_000_000_000_000n } as const;
  return { header, ...(bytes === undefined ? {} : { content: () => [bytes] }) };
}

function parents(name: string): string[] {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
