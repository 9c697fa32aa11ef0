import { buffer } from "node:stream/consumers";
import { bytePath } from "../base/byte-path.ts";
import type { Json } from "../base/canonical-json.ts";
import { MOST_TEXT, textOf } from "../base/small-text.ts";
import { unreachable } from "../base/unreachable.ts";
import type { CopyOperation, Operation, RunOperation } from "../graph/operation.ts";
import type { Vertex } from "../graph/vertex.ts";
import type { CachedSelection } from "../oci/build-cache.ts";
import { chainIdOf, type Digest, type DiffId } from "../oci/digest.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import type { Sandbox, StepBounds, StepNetwork } from "../sandbox/sandbox.ts";
import type { Backend, CacheKey, ExecuteContext, StepKey } from "../solver/backend.ts";
import { stepKey } from "../solver/step-key.ts";
import type { CacheMountAsk } from "../store/cache-mounts.ts";
import type { StepResult } from "../store/cache-records.ts";
import { LayerIndex } from "../store/layers/layer-index.ts";
import { StoreFailure } from "../store/store-error.ts";
import type { Store } from "../store/store.ts";
import { copyIngredients, copySources, planCopyStep, type CopySources, type CopyWorld, type PlannedCopy } from "./copy/copy-step.ts";
import { copyLayer, knownLayer, likeLayer, plannedLayer } from "./copy/copy-layer.ts";
import { ownerIds } from "./copy/owner.ts";
import { planDirectory } from "./copy/plan.ts";
import type { MadeLayer } from "./made-layer.ts";
import { FarSelections, type KnownElsewhere } from "./far-selections.ts";
import { type KnownLayers, LayerTrees } from "./layer-trees.ts";
import { LikeSteps } from "./like-steps.ts";
import { runLayer, type RunReads } from "./run/run-layer.ts";
import { boundFiles, cacheMountAsks, mountIngredients, type BindMount, type HandedThings, type MountWorld, type SeenFiles } from "./run/run-mounts.ts";
import type { FileSource, TreeValue, Value } from "./value.ts";

/** Steps that others made, whose layers may be elsewhere. */
export interface ImportedSteps extends KnownElsewhere {
  step(key: string): StepResult | undefined;
  has(layer: DiffId): boolean;
}

export interface BuildWorld {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** SOURCE_DATE_EPOCH: the time of what a step makes by itself, where it is set. */
  readonly epoch: number | undefined;
  /** The layers and time of an image that FROM or COPY --from names, fetched if need be. */
  readonly image: (reference: string, platform: Platform, context: ExecuteContext) => Promise<Omit<TreeValue, "kind">>;
  /** The files of a build context, by its operation's name. */
  readonly context: (name: string) => Promise<FileSource>;
  /** Secrets and agents of the command line. */
  readonly handed: HandedThings;
  readonly onNetwork: (network: StepNetwork) => void;
  readonly bounds: StepBounds | undefined;
  /** Told of a cache mount that a step of the build has, whether or not it runs. */
  readonly onCacheMount?: ((ask: CacheMountAsk) => void) | undefined;
  readonly travelledMount?: MountWorld["travelledMount"];
  /** Asks what each RUN that runs reads, and is told. */
  readonly onReads?: ((vertex: Vertex, reads: RunReads) => void) | undefined;
  /** What trees are looked at in, where it is not the store alone. */
  readonly layers?: KnownLayers;
  readonly imported?: ImportedSteps | undefined;
  /** Brings layers of images and of others' steps into the store that are not there yet. */
  readonly ensure?: ((layers: readonly DiffId[]) => Promise<void>) | undefined;
  /** Told which files a COPY takes of a tree. */
  readonly onSelection?: ((selection: CachedSelection) => void) | undefined;
  /** Told of a step that was found there. */
  readonly onImported?: ((vertex: Vertex, key: CacheKey) => void) | undefined;
  /** Whether a RUN of this build stands on what the step gives. */
  readonly stoodOn: (vertex: Vertex) => boolean;
  /** The key that the step had in the last build. */
  readonly earlierKey: (vertex: Vertex) => string | undefined;
}

/** Raised when a rule of a key changes: old records are then never found. */
const VERSION = 4;

/** What the solver needs of the world to build images: keys, cached layers, and the work itself, by kind of operation. */
export class BuildBackend implements Backend<Value> {
  readonly #world: BuildWorld;
  readonly #copies: CopyWorld;
  readonly #trees: LayerTrees;
  readonly #like: LikeSteps;
  /** Found when the key was made, used when the layer is. */
  readonly #sources = new Map<Vertex, CopySources>();
  readonly #far: FarSelections;
  /** Worked out when it was asked whether the layer is known, used when it is made on the same base. */
  readonly #plans = new Map<Vertex, { readonly base: string; readonly plan: Promise<PlannedCopy> }>();
  /** How like steps will find new layers, written when those are safe. */
  readonly #records = new Map<DiffId, NonNullable<MadeLayer["record"]>>();

  constructor(world: BuildWorld) {
    this.#world = world;
    this.#trees = new LayerTrees(world.layers ?? world.store.layers);
    this.#like = new LikeSteps(world.store, VERSION, world.layers ?? world.store.layers);
    this.#far = new FarSelections(world.store, world.imported, world.onSelection);
    this.#copies = { store: world.store, trees: this.#trees, env: world.env, access: world.handed, now: () => BigInt(world.epoch ?? world.clock()) * 1_000_000n };
  }

  isSource({ operation }: Vertex): boolean {
    return operation.kind === "scratch" || operation.kind === "image" || operation.kind === "context";
  }

  async key(vertex: Vertex, inputs: readonly Value[], context: ExecuteContext): Promise<StepKey> {
    const { operation } = vertex;
    switch (operation.kind) {
      case "scratch":
        return stepKey("scratch", VERSION, {});
      case "image":
        return stepKey("image", VERSION, { reference: operation.reference, platform: formatPlatform(operation.platform) });
      case "context":
        return stepKey("context", VERSION, { name: operation.name });
      case "run": {
        cacheMountAsks(operation, inputs).forEach((ask) => this.#world.onCacheMount?.(ask));
        const { ingredients, files } = await mountIngredients(operation, inputs, (mount) => this.#bound(mount, inputs));
        return stepKey("run", VERSION, { base: chainOf(inputs), ...runIngredients(operation), ...ingredients }, files);
      }
      case "mkdir":
        return stepKey("mkdir", VERSION, { base: chainOf(inputs), path: operation.path, owner: ownerWord(operation.owner) });
      case "copy": {
        const { ingredients, files } = await this.#copyIngredients(vertex, operation, inputs, context);
        const key = stepKey("copy", VERSION, { base: dependsOnBase(operation) ? chainOf(inputs) : null, ...copyWords(operation), ...ingredients }, files);
        return { ...key, text: (path) => smallText(this.#sources.get(vertex)?.source, path) };
      }
      default:
        return unreachable(operation);
    }
  }

  /** Of a tree that is not here and whose files a cache elsewhere knows, nothing is fetched before the step has to run. */
  async #copyIngredients(vertex: Vertex, operation: CopyOperation, inputs: readonly Value[], context: ExecuteContext): Promise<{ readonly ingredients: { readonly [name: string]: Json }; readonly files?: StepKey["files"] }> {
    const of = copiedFrom(operation, inputs[1]);
    const claim = of === undefined ? undefined : this.#far.claim(of, layersIn(inputs[1]));
    if (claim !== undefined) return { ingredients: { files: claim, remotes: [] } };
    const { ingredients, files } = await copyIngredients(await this.#lookAt(vertex, operation, inputs, context), this.#copies);
    if (of !== undefined) this.#far.seen(of, ingredients["files"] as Digest);
    return { ingredients, files };
  }

  /** What a COPY takes; it is here then. */
  async #lookAt(vertex: Vertex, operation: CopyOperation, inputs: readonly Value[], context: ExecuteContext): Promise<CopySources> {
    await this.#fetch(inputs.slice(1));
    const sources = await copySources(operation, await this.#source(inputs[1], vertex), this.#copies, context);
    this.#sources.set(vertex, sources);
    return sources;
  }

  /** As {@link #lookAt}, once the step has to run. */
  async #taken(vertex: Vertex, operation: CopyOperation, inputs: readonly Value[], context: ExecuteContext): Promise<CopySources> {
    const known = this.#sources.get(vertex);
    if (known !== undefined) return known;
    const sources = await this.#lookAt(vertex, operation, inputs, context);
    const of = copiedFrom(operation, inputs[1]);
    if (of !== undefined) this.#far.seen(of, (await copyIngredients(sources, this.#copies)).ingredients["files"] as Digest);
    return sources;
  }

  /** What a bind mount shows, as {@link #copyIngredients} has it. */
  async #bound(mount: BindMount, inputs: readonly Value[]): Promise<SeenFiles> {
    const of = boundFrom(mount, inputs);
    const claim = of === undefined ? undefined : this.#far.claim(of, layersIn(inputs[mount.input + 1]));
    if (claim !== undefined) return { digest: claim };
    await this.#fetch([inputs[mount.input + 1]!]);
    const { digest, files } = await boundFiles(mount, inputs, this.#trees);
    if (of !== undefined) this.#far.seen(of, digest);
    return { digest, files };
  }

  /** A RUN that has to run, on trees that are here now: what had been said of them must be so. */
  async #checkBound({ mounts = [] }: RunOperation, inputs: readonly Value[]): Promise<void> {
    for (const mount of mounts) {
      const of = mount.type === "bind" ? boundFrom(mount, inputs) : undefined;
      if (of !== undefined && this.#far.claimed(of)) this.#far.seen(of, (await boundFiles(mount as BindMount, inputs, this.#trees)).digest);
    }
  }

  /** The stored result of a key, or of a like step on the same tree, if its layer is here. Changes nothing. */
  async find(key: StepKey, inputs: readonly Value[]): Promise<{ readonly exact: boolean; readonly result: StepResult } | undefined> {
    const { cache, layers } = this.#world.store;
    const exact = cache.step(key.key);
    if (exact !== undefined && layers.has(exact.layer)) return { exact: true, result: exact };
    const like = await this.#like.find(key, layersOf(inputs));
    return like === undefined ? undefined : { exact: false, result: like };
  }

  /** Whether a step with these ingredients, whatever tree it stood on, has ever given something that is still known. */
  everRan(key: StepKey): boolean {
    return this.#like.has(key);
  }

  /** What the layer of a step that has not run will hold, where that can be told without running it: a layer that is here, or a new one. Changes nothing. */
  async foresee(vertex: Vertex, inputs: readonly Value[], context: ExecuteContext): Promise<{ readonly known: DiffId } | { readonly fresh: LayerIndex } | undefined> {
    const { operation } = vertex;
    // What an archive holds is known when it is unpacked.
    if (operation.kind !== "mkdir" && (operation.kind !== "copy" || operation.unpack || operation.urls.length > 0)) return undefined;
    const { layer } = await this.#newPlan(vertex, inputs, context);
    const known = likeLayer(layer, this.#world.store);
    return known !== undefined && this.#world.store.layers.has(known) ? { known } : { fresh: new LayerIndex(layer.entries) };
  }

  async lookup(vertex: Vertex, key: StepKey, inputs: readonly Value[]): Promise<Value | undefined> {
    const { cache, layers, leases } = this.#world.store;
    const { exact, result: found } = (await this.find(key, inputs)) ?? { exact: false };
    if (found !== undefined && leases.active) {
      leases.hold(found.layer);
    }
    if (found === undefined || !layers.has(found.layer)) {
      return this.#lookupImported(vertex, key, inputs);
    }
    if (exact) cache.touchStep(key.key, this.#world.clock());
    else this.#keep(key, found, layersOf(inputs));
    return onTop(inputs, found);
  }

  /** A hit that fetches nothing: the layer comes when a step stands on it, or the image needs it. */
  #lookupImported(vertex: Vertex, { key }: StepKey, inputs: readonly Value[]): Value | undefined {
    const { imported, store, onImported } = this.#world;
    const found = imported?.step(key);
    if (found === undefined || !(store.layers.has(found.layer) || imported!.has(found.layer))) return undefined;
    const took = store.cache.step(key)?.took; // where it was made here once, and its layer is gone
    store.cache.putStep(key, { ...found, name: vertex.name, ...(took === undefined ? {} : { took }) });
    onImported?.(vertex, key);
    return onTop(inputs, found);
  }

  /**
   * A COPY, ADD or WORKDIR depends on the tree below only in where its files go: what it would make is worked out from
   * the indexes alone, and a layer that says the same is taken, whatever it was made on.
   */
  async recognize(vertex: Vertex, key: StepKey, inputs: readonly Value[], context: ExecuteContext): Promise<Value | undefined> {
    const { layers, cache } = this.#world.store;
    // Of layers that lie elsewhere nothing is known but their names; and what was pruned is to be made again, as was asked for.
    if (vertex.operation.kind === "run" || (vertex.operation.kind === "copy" && !this.#sources.has(vertex)) || cache.removedAt(key.key) !== undefined || !layersOf(inputs).every((layer) => layers.has(layer))) return undefined;
    // What cannot be is told when the step's turn has come.
    const plan = await this.#plan(vertex, inputs, context).catch(() => undefined);
    // Nor is a step passed over that has something to say.
    const known = plan === undefined || plan.notes.length > 0 ? undefined : knownLayer(plan.layer, this.#world.store);
    if (known === undefined) return undefined;
    this.#plans.delete(vertex);
    const found = { layer: known, created: this.#time(), took: 0, name: vertex.name };
    this.#keep(key, found, layersOf(inputs));
    return onTop(inputs, found);
  }

  #plan(vertex: Vertex, inputs: readonly Value[], context: ExecuteContext): Promise<PlannedCopy> {
    const base = layersOf(inputs).join(" ");
    const known = this.#plans.get(vertex);
    // A build that begins anew may find another base.
    if (known?.base === base) return known.plan;
    const plan = this.#newPlan(vertex, inputs, context);
    this.#plans.set(vertex, { base, plan });
    plan.catch(() => this.#plans.delete(vertex));
    return plan;
  }

  async #newPlan(vertex: Vertex, inputs: readonly Value[], context: ExecuteContext): Promise<PlannedCopy> {
    const { operation } = vertex;
    const base = layersOf(inputs);
    if (operation.kind === "copy") return await planCopyStep(operation, await this.#taken(vertex, operation, inputs, context), base, this.#copies, context);
    if (operation.kind !== "mkdir") throw new Error(`Internal error: a ${operation.kind} step is not planned`);
    const notes: string[] = [];
    const owner = operation.owner === undefined ? undefined : await ownerIds(operation.owner, base, this.#trees, (message) => notes.push(`${message}: the directory is root's\n`));
    const planned = planDirectory({ base: await this.#trees.tree(base), destination: operation.path, owner, mode: undefined, now: this.#copies.now() });
    return { layer: await plannedLayer(planned), notes };
  }

  async #fetch(values: readonly Value[]): Promise<void> {
    await this.#world.ensure?.(values.flatMap((value) => (value.kind === "tree" ? value.layers : [])));
  }

  async execute(vertex: Vertex, _key: StepKey, inputs: readonly Value[], context: ExecuteContext): Promise<Value> {
    const { operation } = vertex;
    if (!this.isSource(vertex)) {
      await this.#fetch(inputs);
      this.#hold(inputs);
    }
    switch (operation.kind) {
      case "scratch":
        return { kind: "tree", layers: [] };
      case "image":
        return { kind: "tree", ...(await this.#world.image(operation.reference, operation.platform, context)) };
      case "context":
        return { kind: "files", source: await this.#world.context(operation.name) };
      case "run":
        await this.#checkBound(operation, inputs);
        return this.#made(inputs, await runLayer(operation, layersOf(inputs), inputs, { ...this.#world, trees: this.#trees, onReads: this.#readsOf(vertex), stoodOn: this.#world.stoodOn(vertex) }, context));
      case "mkdir":
      case "copy": {
        const { layer, notes } = await this.#plan(vertex, inputs, context);
        for (const note of notes) context.log("stderr", note);
        this.#plans.delete(vertex); // an object and more for each file
        return this.#made(inputs, await copyLayer(layer, this.#world.store, { earlier: this.#earlier(vertex), signal: context.signal }));
      }
      default:
        return unreachable(operation);
    }
  }

  #readsOf(vertex: Vertex): ((reads: RunReads) => void) | undefined {
    const { onReads } = this.#world;
    return onReads === undefined ? undefined : (reads) => onReads(vertex, reads);
  }

  async remember({ name }: Vertex, key: StepKey, value: Value, took: number): Promise<void> {
    if (value.kind !== "tree" || value.created === undefined) {
      return;
    }
    const layer = value.layers.at(-1)!;
    const { layers, records } = this.#world.store;
    await layers.settled(layer);
    this.#keep(key, { layer, created: value.created, took: Math.round(took), name }, value.layers.slice(0, -1));
    const further = this.#records.get(layer);
    if (further !== undefined) records.put(further.table, further.key, layer);
  }

  #keep(key: StepKey, result: StepResult, base: readonly DiffId[]): void {
    this.#world.store.cache.putStep(key.key, result);
    this.#like.remember(key, base);
  }

  claim(key: CacheKey): Promise<AsyncDisposable> {
    return this.#world.store.records.claim(key);
  }

  /** What was found before this build held anything may have been removed since. */
  #hold(inputs: readonly Value[]): void {
    const { layers, leases } = this.#world.store;
    const needed = inputs.flatMap((input) => (input.kind === "tree" ? input.layers : []));
    leases.hold(...needed);
    const gone = needed.find((layer) => !layers.has(layer));
    if (gone !== undefined) {
      throw new StoreFailure("collected", `use the layer ${gone}: it was removed meanwhile`, { hint: "another command has pruned the store; build again" });
    }
  }

  #earlier(vertex: Vertex): DiffId | undefined {
    const key = this.#world.earlierKey(vertex);
    return key === undefined ? undefined : this.#world.store.cache.step(key)?.layer;
  }

  async #source(value: Value | undefined, { operation }: Vertex): Promise<FileSource | undefined> {
    if (value === undefined || value.kind === "files") {
      return value?.source;
    }
    return this.#trees.source(operation.kind === "copy" ? "the source of --from" : "the image", value.layers);
  }

  #made(inputs: readonly Value[], { diffId: layer, record }: MadeLayer): TreeValue {
    if (record !== undefined) this.#records.set(layer, record);
    return onTop(inputs, { layer, created: this.#time() });
  }

  #time(): string {
    return new Date(this.#world.clock()).toISOString();
  }
}

/** A small text among the files of a COPY, by its path as people are told it. */
async function smallText(source: FileSource | undefined, path: string): Promise<string | undefined> {
  const entry = source?.get(bytePath(path))?.entry;
  return entry?.type === "file" && entry.size <= MOST_TEXT ? textOf(await buffer(source!.read(entry))) : undefined;
}

/** The name of what a COPY takes of a tree: the tree's, and the words that choose. */
function copiedFrom({ sources, exclude, parents, urls, inline }: CopyOperation, source: Value | undefined): Digest | undefined {
  if (source?.kind !== "tree" || urls.length > 0 || inline.length > 0) return undefined;
  return stepKey("selection", VERSION, { tree: chainIdOf(source.layers) ?? null, sources, exclude: exclude ?? [], parents: parents === true }).key;
}

function boundFrom({ input, source }: BindMount, inputs: readonly Value[]): Digest | undefined {
  const value = inputs[input + 1];
  return value?.kind === "tree" ? stepKey("selection", VERSION, { tree: chainIdOf(value.layers) ?? null, bound: source }).key : undefined;
}

function layersIn(value: Value | undefined): readonly DiffId[] {
  return value?.kind === "tree" ? value.layers : [];
}

/** The tree of a step: its base with its own layer over it. */
export function onTop(inputs: readonly Value[], { layer, created }: StepResult): TreeValue {
  return { kind: "tree", layers: [...layersOf(inputs), layer], created };
}

function layersOf(inputs: readonly Value[]): readonly DiffId[] {
  const base = inputs[0];
  if (base?.kind !== "tree") {
    throw new Error("Internal error: a step's base is not a tree");
  }
  return base.layers;
}

/** A linked copy knows nothing of the tree below it but the names of its owner. */
export function dependsOnBase(operation: Operation): boolean {
  if (operation.kind !== "copy") return true;
  const { link, owner } = operation;
  return link !== true || (owner !== undefined && ![owner.user, owner.group ?? owner.user].every((name) => /^\d*$/.test(name)));
}

function chainOf(inputs: readonly Value[]): Json {
  return chainIdOf(layersOf(inputs)) ?? null;
}

/** Proxies say how this machine reaches the network, so they are not part of what a RUN is, unless they are declared (Dockerfile reference, Predefined ARGs). */
function runIngredients({ argv, env, args, workdir, user, network, insecure, hostname, hosts, script, platform }: RunOperation): { readonly [name: string]: Json } {
  return { argv, env, args, workdir, user, network, ...(insecure === undefined ? {} : { insecure }), ...(platform === undefined ? {} : { platform: formatPlatform(platform) }), ...(hostname === undefined ? {} : { hostname }), ...(hosts === undefined ? {} : { hosts: hosts.map(({ name, address }) => `${name}=${address}`) }), script: script === undefined ? null : { ...script } };
}

function copyWords({ instruction, sources, inline, urls, destination, owner, mode, unpack, unpackRemote, keepGitDir, exclude, parents, link }: CopyOperation): { readonly [name: string]: Json } {
  const files = inline.map(({ name, content }) => ({ name, content }));
  // What is not asked for is not named, so that the keys of others stay as they were.
  const further = { ...(unpackRemote ? { unpackRemote } : {}), ...(keepGitDir ? { keepGitDir } : {}), ...(exclude ? { exclude } : {}), ...(parents ? { parents } : {}), ...(link ? { link } : {}) };
  return { ...further, instruction, sources, inline: files, urls, destination, owner: ownerWord(owner), mode: modeWord(mode), unpack };
}

function modeWord(mode: CopyOperation["mode"]): Json {
  return mode === undefined || typeof mode === "number" ? (mode ?? null) : mode.map(({ who, operator, permissions }) => `${who.join("")}${operator}${permissions}`);
}

function ownerWord(owner: { readonly user: string; readonly group?: string } | undefined): string | null {
  return owner === undefined ? null : [owner.user, owner.group].filter((part) => part !== undefined).join(":");
}
