import { existsSync } from "node:fs";
import { bytePath, pathText } from "../../base/byte-path.ts";
import type { Json } from "../../base/canonical-json.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { RunMount, RunOperation } from "../../graph/operation.ts";
import { chainIdOf, digestOf, type Digest, type DiffId } from "../../oci/digest.ts";
import type { Sandbox, StepMount, TreePart } from "../../sandbox/sandbox.ts";
import type { CacheMountAsk, HeldCacheMount } from "../../store/cache-mounts.ts";
import type { Store } from "../../store/store.ts";
import { found } from "../copy/select.ts";
import { selectionDigest } from "../copy/selection-digest.ts";
import { ExecuteError } from "../execute-error.ts";
import type { LayerTrees } from "../layer-trees.ts";
import type { FileSource, SourceEntry, Value } from "../value.ts";
import { bindLayer } from "./bind-layer.ts";

/** What the command line hands to steps that ask for it. */
export interface HandedThings {
  /** The value of `--secret`; undefined where there is none of that id. Throws where it cannot be read. */
  secret(id: string): Buffer | undefined;
  /** The path of the socket of `--ssh`; undefined where there is none of that id. */
  agent(id: string): Promise<string | undefined>;
}

export interface MountWorld {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly trees: LayerTrees;
  readonly handed: HandedThings;
  /** What a cache mount that is not here yet begins with, where a cache elsewhere has its content. */
  readonly travelledMount?: ((ask: CacheMountAsk) => Promise<DiffId | undefined>) | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** The mounts of a step that is about to run. */
export interface ReadyMounts extends Disposable {
  readonly mounts: readonly StepMount[];
  /** `NAME=value`. */
  readonly secretEnv: readonly string[];
  /** The variable that tells programs where the first agent is. */
  readonly agentEnv: readonly string[];
}

type Of<T extends RunMount["type"]> = Extract<RunMount, { readonly type: T }>;

/**
 * What a RUN's mounts add to its key: what they say, and the files below `source` of those that are bound. Neither the
 * content of a cache, which is other each time, nor that of a secret. `look` tells what a bound one shows.
 */
export async function mountIngredients(
  { mounts = [] }: RunOperation,
  inputs: readonly Value[],
  look: (mount: BindMount) => Promise<SeenFiles>,
): Promise<{ readonly ingredients: { readonly [name: string]: Json }; readonly files?: () => Promise<Buffer> }> {
  if (mounts.length === 0) return { ingredients: {} };
  const bound = await Promise.all(mounts.filter((mount) => mount.type === "bind").map(look));
  const words = mounts.map((mount) => mountWord(mount, inputs));
  if (bound.length === 0) return { ingredients: { mounts: words } };
  const files = digestOf(canonicalJson(bound.map(({ digest }) => digest)));
  const listed = bound.flatMap((one) => one.files ?? []);
  return { ingredients: { mounts: words, files }, ...(listed.length < bound.length ? {} : { files: async () => Buffer.concat(await Promise.all(listed.map((list) => list()))) }) };
}

function mountWord(mount: RunMount, inputs: readonly Value[]): Json {
  if (mount.type === "bind") {
    return { type: mount.type, target: mount.target, readOnly: mount.readOnly };
  }
  if (mount.type !== "cache") return { ...mount };
  // Which cache a step has, and with whom it shares it, says nothing of what it makes, as with BuildKit.
  const { input, id: _id, sharing: _sharing, ...words } = mount;
  return { ...words, ...(input === undefined ? {} : { seed: chainIdOf(layersOf(inputs[input + 1])) ?? null }) };
}

export type BindMount = Of<"bind">;

/** What a bind mount shows; without `files` where nobody has looked. */
export interface SeenFiles {
  readonly digest: Digest;
  readonly files?: () => Promise<Buffer>;
}

interface BoundFiles extends SeenFiles {
  readonly files: () => Promise<Buffer>;
  readonly source: FileSource;
  readonly top: SourceEntry;
}

/** Looks at what a bind mount shows. Throws {@link ExecuteError} for what is not there. */
export async function boundFiles({ input, source: path }: BindMount, inputs: readonly Value[], trees: LayerTrees): Promise<BoundFiles> {
  const value = inputs[input + 1]!;
  const source = value.kind === "files" ? value.source : await trees.source("the tree that it is mounted from", value.layers);
  const top = rootOf(source, path) ?? found(source, bytePath(path.slice(1)), path);
  return { source, top, ...(await selectionDigest(source, [{ pattern: path, wildcard: false, chosen: [{ name: "", source: top }] }])) };
}

/** A context without any file has a root all the same. */
function rootOf(source: FileSource, path: string): SourceEntry | undefined {
  if (path !== "/") return undefined;
  return source.get(bytePath("")) ?? { entry: { path: bytePath(""), type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n } };
}

/** Gets all that a step's mounts need, waiting for caches that others have alone. Throws {@link ExecuteError} for what is required and not given. */
export async function readyMounts({ mounts = [] }: RunOperation, inputs: readonly Value[], world: MountWorld, signal: AbortSignal): Promise<ReadyMounts> {
  const held = new DisposableStack();
  try {
    const ready: StepMount[] = [];
    const secretEnv: string[] = [];
    // Caches in one order for all, so that no two steps wait for each other.
    const caches = new Map<string, Promise<HeldCacheMount>>();
    const take = async (ask: CacheMountAsk): Promise<HeldCacheMount> => {
      // A step that has one cache at two places does not wait for itself.
      const name = `${ask.id}\0${ask.origin}`;
      const taken = caches.get(name) ?? world.store.cacheMounts.take(ask, signal).then((cache) => held.use(cache));
      caches.set(name, taken);
      return taken;
    };
    for (const mount of mounts.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))) {
      const { mount: made, env = [] } = await readyMount(mount, inputs, world, take, signal);
      if (made !== undefined) ready.push(made);
      secretEnv.push(...env);
    }
    const agent = mounts.find((mount) => mount.type === "ssh");
    const agentEnv = agent === undefined ? [] : [`SSH_AUTH_SOCK=${agent.target}`];
    return { mounts: ready, secretEnv, agentEnv, [Symbol.dispose]: () => held.dispose() };
  } catch (error) {
    held.dispose();
    throw error;
  }
}

function order(mount: RunMount): string {
  return mount.type === "cache" ? mount.id : "";
}

type TakeCache = (ask: CacheMountAsk) => Promise<HeldCacheMount>;
type Ready = { readonly mount?: StepMount; readonly env?: readonly string[] };

async function readyMount(mount: RunMount, inputs: readonly Value[], world: MountWorld, take: TakeCache, signal: AbortSignal): Promise<Ready> {
  switch (mount.type) {
    case "bind":
      return { mount: await bindMount(mount, inputs, world, signal) };
    case "cache":
      return { mount: await cacheMount(mount, inputs, world, take) };
    case "tmpfs":
      return { mount: { kind: "tmpfs", target: mount.target, ...(mount.size === undefined ? {} : { size: mount.size }) } };
    case "secret":
      return secretMount(mount, world);
    case "ssh":
      return agentMount(mount, world);
  }
}

async function bindMount(mount: Of<"bind">, inputs: readonly Value[], world: MountWorld, signal: AbortSignal): Promise<StepMount> {
  const { target, readOnly, input, source } = mount;
  const value = inputs[input + 1]!;
  if (value.kind === "tree") {
    return { kind: "tree", target, readOnly, ...(await treePart(value.layers, source, world)) };
  }
  const { source: files, top, digest } = await boundFiles(mount, inputs, world.trees);
  const layer = await bindLayer(files, top, digest, { store: world.store, now: world.clock(), signal });
  return { kind: "tree", target, readOnly, ...(await treePart([layer], `/${pathText(top.entry.path)}`, world)) };
}

/** The cache mounts that a step asks for. */
export function cacheMountAsks({ mounts = [] }: RunOperation, inputs: readonly Value[]): readonly CacheMountAsk[] {
  return mounts.filter((mount) => mount.type === "cache").map((mount) => cacheMountAsk(mount, inputs));
}

function cacheMountAsk({ id, sharing, input, source = "/", uid, gid, mode }: Of<"cache">, inputs: readonly Value[]): CacheMountAsk {
  const seed = input === undefined ? null : { chain: chainIdOf(layersOf(inputs[input + 1])) ?? null, source };
  const owner = uid === undefined || gid === undefined || mode === undefined ? null : { uid, gid, mode };
  return { id, origin: canonicalJson({ seed, owner }), sharing };
}

async function cacheMount(mount: Of<"cache">, inputs: readonly Value[], world: MountWorld, take: TakeCache): Promise<StepMount> {
  const { target, readOnly, input, source = "/", uid, gid, mode } = mount;
  const ask = cacheMountAsk(mount, inputs);
  const { directory } = await take(ask);
  const travelled = existsSync(directory) ? undefined : await world.travelledMount?.(ask);
  const seed = travelled === undefined ? (input === undefined ? undefined : { layers: layersOf(inputs[input + 1]), source }) : { layers: [travelled], source: "/" };
  return {
    kind: "cache",
    target,
    readOnly,
    path: directory,
    ...(seed === undefined ? {} : { seed: await treePart(seed.layers, seed.source, world) }),
    ...(uid === undefined || gid === undefined || mode === undefined ? {} : { owner: { uid, gid, mode } }),
  };
}

function secretMount({ id, required, target, env, uid, gid, mode }: Of<"secret">, { handed }: MountWorld): Ready {
  const value = handed.secret(id);
  if (value === undefined) {
    if (!required) return {};
    throw new ExecuteError("not-found", `secret ${id}: not found`, { hint: `give it with --secret id=${id},src=FILE or --secret id=${id},env=NAME` });
  }
  if (env !== undefined && value.includes(0)) {
    throw new ExecuteError("not-found", `secret ${id} cannot be the variable ${env}: it holds a NUL`, { hint: "mount it as a file, with target=" });
  }
  return {
    ...(target === undefined ? {} : { mount: { kind: "secret", target, content: value.toString("base64"), uid, gid, mode } }),
    ...(env === undefined ? {} : { env: [`${env}=${value.toString("utf8")}`] }),
  };
}

async function agentMount({ id, required, target, uid, gid, mode }: Of<"ssh">, { handed }: MountWorld): Promise<Ready> {
  const agent = await handed.agent(id);
  if (agent !== undefined) return { mount: { kind: "agent", target, agent, uid, gid, mode } };
  if (!required) return {};
  throw new ExecuteError("not-found", `unset ssh forward key ${id}`, { hint: id === "default" ? "give the agent's socket with --ssh default" : `give the agent's socket with --ssh ${id}=PATH` });
}

async function treePart(layers: readonly DiffId[], source: string, { store, sandbox }: MountWorld): Promise<TreePart> {
  return { lowers: (await Promise.all(layers.map((layer) => store.layers.lowers(layer, sandbox)))).flat(), source };
}

function layersOf(value: Value | undefined): readonly DiffId[] {
  if (value?.kind !== "tree") throw new Error("Internal error: a cache is filled from what is not a tree");
  return value.layers;
}
