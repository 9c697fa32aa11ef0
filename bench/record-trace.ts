import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BuildRecord } from "../src/explain/build-record.ts";
import { startRegistry } from "../src/testing/registry.ts";
import type { Trace, TracedStep } from "../src/testing/collection/trace.ts";
import { LAMINATE } from "./builders.ts";
import { pushNodeBase } from "./npm-app.ts";

/** A build of a trace: `context` holds a Dockerfile. */
export interface TracedBuild {
  /** Builds of one name are of one project: a cached one is what the last of them was. */
  readonly name: string;
  /** Of the project, for people. */
  readonly state: string;
  /** Minutes since the first. */
  readonly at: number;
  readonly context: string;
  /** Named contexts, NAME=DIRECTORY. */
  readonly contexts?: readonly string[];
}

/** Builds for real in a store of its own without a limit, and notes which steps each build asked for. */
export class Recorder implements AsyncDisposable {
  readonly #closing: AsyncDisposableStack;
  readonly #seen: { readonly at: number; readonly what: string; readonly keys: readonly string[] }[] = [];
  readonly #last = new Map<string, { readonly id: string; readonly keys: readonly string[] }>();
  /** A directory that goes when this does. */
  readonly scratch: string;
  /** The name of an image with Debian, this machine's Node and npm. */
  readonly node: string;

  private constructor(closing: AsyncDisposableStack, scratch: string, node: string) {
    this.#closing = closing;
    this.scratch = scratch;
    this.node = node;
    this.#laminate("pull", "-q", node);
    this.#laminate("base", "-q", "debian:bookworm");
  }

  static async open(): Promise<Recorder> {
    await using opening = new AsyncDisposableStack();
    const { port } = opening.use(await startRegistry());
    const scratch = mkdtempSync(path.join(tmpdir(), "laminate-collection-"));
    opening.defer(() => rmSync(scratch, { recursive: true, force: true }));
    const node = pushNodeBase(scratch, "debian:bookworm", `127.0.0.1:${port}`, LAMINATE);
    return new Recorder(opening.move(), scratch, node);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing.disposeAsync();
  }

  /** Builds; a project that cannot be built in this state is left out. */
  build({ name, state, at, context, contexts = [] }: TracedBuild): void {
    const flags = ["build", "-q", "--network=none", "--output", "type=cacheonly", ...contexts.flatMap((one) => ["--build-context", one])];
    if (spawnSync(LAMINATE, ["--root", this.#store, ...flags, context], { stdio: ["ignore", "ignore", "inherit"], env: withoutLimit() }).status !== 0) return;
    const [id = ""] = this.#laminate("builds", "-q").split("\n");
    const before = this.#last.get(name);
    // A build that found everything as the last of the project had left it leaves no record.
    const isNew = ![...this.#last.values()].some((last) => last.id === id);
    const build = isNew ? (JSON.parse(this.#laminate("builds", "show", "--format", "json", id)) as BuildRecord) : undefined;
    const keys = build?.steps.filter(({ outcome }) => outcome !== "source").map(({ key }) => key) ?? before!.keys;
    this.#last.set(name, { id: build?.id ?? before!.id, keys });
    this.#seen.push({ at, what: `${name}: ${state}`, keys });
    process.stderr.write(`${this.#seen.length} ${name}: ${state}, ${((build?.duration ?? 0) / 1000).toFixed(1)} s\n`);
  }

  /** What was built, as a trace. */
  trace(about: string): Trace {
    const { BuildCache } = JSON.parse(this.#laminate("system", "df", "-v", "--format", "json")) as { readonly BuildCache: readonly { readonly ID: string; readonly Description: string; readonly Size: number; readonly Milliseconds: number | null }[] };
    const known = new Map(BuildCache.map((part) => [part.ID, part]));
    const keys = [...new Set(this.#seen.flatMap((build) => build.keys))];
    const places = new Map(keys.map((key, place) => [key, place]));
    return {
      about: `${this.#seen.length} builds of ${about}`,
      steps: keys.map((key): TracedStep => ({ name: known.get(key)?.Description ?? "", took: known.get(key)?.Milliseconds ?? 0, bytes: known.get(key)?.Size ?? 0 })),
      builds: this.#seen.map(({ at, what, keys: those }) => ({ at, what, steps: those.map((key) => places.get(key)!) })),
    };
  }

  get #store(): string {
    return path.join(this.scratch, "store");
  }

  #laminate(...args: readonly string[]): string {
    return execFileSync(LAMINATE, ["--root", this.#store, ...args], { encoding: "utf8", env: withoutLimit(), stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 30 });
  }
}

function withoutLimit(): NodeJS.ProcessEnv {
  return { ...process.env, LAMINATE_CACHE_LIMIT: "off" };
}

/** A line a step and a build, so that a change of it can be read. */
export function writeTrace(file: string, { about, steps, builds }: Trace): void {
  const lines = (list: readonly unknown[]): string => list.map((one) => `    ${JSON.stringify(one)}`).join(",\n");
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `{\n  "about": ${JSON.stringify(about)},\n  "steps": [\n${lines(steps)}\n  ],\n  "builds": [\n${lines(builds)}\n  ]\n}\n`);
}
