import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { DOCKER, type Peers } from "../src/testing/peers.ts";
import { enterAsUser, TEST_UID } from "../src/testing/sandbox/as-user.ts";
import { writeDockerfile } from "./dockerfile.ts";
import type { Bases } from "./workloads.ts";

/** A program that builds images, as its commands. Contexts are paths as this process sees them. */
export interface Builder extends AsyncDisposable {
  readonly name: string;
  /** Processes that work for its commands. */
  daemons(): readonly number[];
  /** What a command is started through, untimed: another root directory is not part of a builder's work. */
  readonly prefix: readonly string[];
  /** What enters the mount namespace that it works in, as root. */
  readonly namespace: readonly string[];
  build(context: string, tag: string): readonly string[];
  push(tag: string): readonly string[];
  pull(tag: string): readonly string[];
  /** Forgets all cached steps, and all images of the bench's registries and without a name: the base images stay until the end. */
  forget(): void;
}

export const LAMINATE = path.join(import.meta.dirname, "..", "bin", "laminate");
/** The Node that this checkout's Laminate runs on. */
export const NODE = process.execPath;

/** docker and buildah among the peers; contexts stand in their /work. `registries` (host:port) are those of the bench. */
export function peers({ root, prefix, inside }: Peers, registries: readonly string[]): readonly Builder[] {
  const shell = (script: string) => run("chroot", [root, "sh", "-c", script]);
  const named = (directory: string) => registries.map((registry) => `--filter 'reference=${registry}/${directory}/*'`).join(" ");
  const common = { prefix, namespace: [] };
  const docker = DOCKER.join(" ");
  const dockerRemoves = (directory: string) => `for one in $(${docker} images -q --no-trunc ${named(directory)} | sort -u); do ${docker} rmi -f $one; done`;
  const buildahRemoves = (directory: string) => `buildah images -aq ${named(directory)} | sort -u | xargs -r buildah rmi -f`;
  return [
    {
      ...common,
      name: "docker",
      daemons: () => daemon(path.join(root, "run/docker-peer.pid")),
      build: (context, tag) => [...DOCKER, "build", "-q", "--network=host", "-t", tag, inside(context)],
      push: (tag) => [...DOCKER, "push", "-q", tag],
      pull: (tag) => [...DOCKER, "pull", "-q", tag],
      forget: () => shell(`${dockerRemoves("bench")}; ${docker} image prune -f; ${docker} builder prune -af`),
      [Symbol.asyncDispose]: async () => shell(`${dockerRemoves("base")}; ${dockerRemoves("bench")}`),
    },
    {
      ...common,
      name: "buildah",
      daemons: () => [],
      build: (context, tag) => ["buildah", "--runtime", "runc", "build", "-q", "--layers", "--tls-verify=false", "--network=host", "-t", tag, inside(context)],
      push: (tag) => ["buildah", "push", "-q", "--tls-verify=false", tag],
      pull: (tag) => ["buildah", "pull", "-q", "--tls-verify=false", tag],
      forget: () => shell(`${buildahRemoves("bench")}; buildah images -aq --filter dangling=true | xargs -r buildah rmi -f; buildah prune -f`),
      [Symbol.asyncDispose]: async () => shell(`${buildahRemoves("base")}; ${buildahRemoves("bench")}`),
    },
  ];
}

/** Pulls the base images into a peer where they are missing. */
export function preparePeer(builder: Builder, bases: Bases): void {
  for (const base of Object.values(bases)) {
    const [command, ...rest] = [...builder.prefix, ...builder.pull(base)];
    run(command!, rest);
  }
}

/** Laminate of this checkout, with a store in `directory`; as an ordinary user with subordinate ids if `user`. */
export async function laminate(directory: string, bases: Bases, user: boolean): Promise<Builder> {
  mkdirSync(directory, { recursive: true });
  const entered = user ? await enterAsUser(directory) : undefined;
  const prefix = entered?.prefix ?? [];
  const [store, fresh] = [path.join(directory, "store"), path.join(directory, "fresh")];
  const command = [LAMINATE, "--root", store];
  const builder: Builder = {
    name: user ? "laminate (user)" : "laminate",
    daemons: () => [],
    prefix,
    namespace: prefix.slice(0, 2), // nsenter and its flag
    build: (context, tag) => [...command, "build", "-q", "--network=host", "-t", tag, context],
    push: (tag) => [...command, "push", "-q", tag],
    pull: (tag) => [...command, "pull", "-q", tag],
    forget() {
      rmSync(store, { recursive: true, force: true });
      copyStore(fresh, store);
    },
    async [Symbol.asyncDispose]() {
      entered?.[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  if (!existsSync(fresh)) {
    makeFreshStore(builder, command, directory, bases, user);
    run("mv", [store, fresh]);
  }
  return builder;
}

/** Layers and blobs are never written again once they are in their place: names for the same files do. */
function copyStore(from: string, to: string): void {
  mkdirSync(to);
  run("chown", [`--reference=${from}`, to]);
  for (const name of readdirSync(from)) run("cp", [["layers", "blobs"].includes(name) ? "-al" : "-a", path.join(from, name), path.join(to, name)]);
}

/** A store that knows what an installed one does: the base images, unpacked as the peers have them, and which runtime works. */
function makeFreshStore(builder: Builder, command: readonly string[], directory: string, bases: Bases, user: boolean): void {
  const context = path.join(directory, "warm-up");
  if (user) {
    mkdirSync(path.join(directory, "store"));
    chownSync(path.join(directory, "store"), TEST_UID, TEST_UID);
  }
  for (const base of Object.values(bases)) {
    const get = base.includes("/") ? builder.pull(base) : [...command, "base", base];
    writeDockerfile(context, [`FROM ${base}`, "RUN true"]);
    for (const [first, ...rest] of [get, builder.build(context, "warm-up")].map((argv) => [...builder.prefix, ...argv])) run(first!, rest);
  }
}

function daemon(file: string): number[] {
  if (!existsSync(file)) throw new Error(`find docker's daemon: there is no ${file}; start the peers first`);
  return [Number(readFileSync(file, "utf8"))];
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw error ?? new Error(`run ${command} ${args.join(" ")}: it ended with ${status}: ${stdout}${stderr}`);
}
