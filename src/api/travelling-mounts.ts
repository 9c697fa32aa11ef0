import { mkdirSync } from "node:fs";
import path from "node:path";
import { reasonOf } from "../base/failure.ts";
import type { EventSink } from "../events/build-event.ts";
import type { CachedMount } from "../oci/build-cache.ts";
import type { DiffId } from "../oci/digest.ts";
import { cacheMountName, type CacheMountAsk } from "../store/cache-mounts.ts";
import { collectGarbage, type WithSandbox } from "./collect-garbage.ts";

/** Cache mounts that caches elsewhere hold. */
export interface FarMounts {
  mount(name: string): { readonly mount: CachedMount; readonly from: string } | undefined;
  /** Brings its content into the store, as a layer. Throws what the cache's place throws. */
  fetchMount(name: string): Promise<void>;
}

/** The cache mounts of a build as far as they come from elsewhere or go there. What they are packed as stays in the store no longer than this. */
export class TravellingMounts implements AsyncDisposable {
  readonly #laminate: WithSandbox;
  readonly #far: FarMounts | undefined;
  readonly #events: EventSink;
  readonly #asks = new Map<string, CacheMountAsk>();
  readonly #fetching = new Map<string, Promise<DiffId | undefined>>();
  readonly #packed = new Map<string, { readonly size: number; readonly mount?: CachedMount }>();
  readonly #layers = new Set<DiffId>();
  readonly #told = new Set<string>();

  constructor(laminate: WithSandbox, { far, events }: { readonly far: FarMounts | undefined; readonly events: EventSink }) {
    this.#laminate = laminate;
    this.#far = far;
    this.#events = events;
  }

  /** A step of the build has this mount, whether or not it runs. */
  note(ask: CacheMountAsk): void {
    this.#asks.set(cacheMountName(ask), ask);
  }

  /** What a mount that is not here begins with; undefined where nobody has it. That it could not be fetched is a warning. */
  begin(ask: CacheMountAsk): Promise<DiffId | undefined> {
    const name = cacheMountName(ask);
    let fetching = this.#fetching.get(name);
    if (fetching === undefined) {
      fetching = this.#fetch(name, ask.id);
      this.#fetching.set(name, fetching);
    }
    return fetching;
  }

  /** The mounts of this build whose files have no more bytes than `most`, packed; one that was not needed here stays what it is elsewhere. */
  async pack(most: number): Promise<readonly CachedMount[]> {
    const mounts: CachedMount[] = [];
    for (const [name, ask] of [...this.#asks].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const packed = await this.#packOne(name, ask, most);
      if (packed.size > most) this.#tell(`the cache mount ${JSON.stringify(ask.id)} has ${packed.size} bytes, more than cache-mounts-max-size: it stays here`);
      else if (packed.mount !== undefined) mounts.push(packed.mount);
    }
    return mounts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#layers.size === 0) return;
    const { store } = this.#laminate;
    store.leases.letGo(...this.#layers, ...[...this.#layers].flatMap((layer) => store.layers.blobs(layer).map(({ digest }) => digest)));
    await collectGarbage(this.#laminate, { only: this.#layers }).catch(() => undefined); // the next prune takes it
  }

  async #fetch(name: string, id: string): Promise<DiffId | undefined> {
    const found = this.#far?.mount(name);
    if (found === undefined) return undefined;
    const { mount, from } = found;
    try {
      this.#layers.add(mount.layer);
      await this.#far!.fetchMount(name);
      this.#events({ type: "notice", message: `the cache mount ${JSON.stringify(id)} begins with what the cache of ${from} had`, time: Date.now() });
      return mount.layer;
    } catch (error) {
      this.#tell(`the cache mount ${JSON.stringify(id)} of ${from} is left out: ${reasonOf(error)}`);
      return undefined;
    }
  }

  async #packOne(name: string, ask: CacheMountAsk, most: number): Promise<{ readonly size: number; readonly mount?: CachedMount }> {
    const known = this.#packed.get(name);
    if (known !== undefined && (known.mount !== undefined || known.size === 0 || known.size > most)) return known;
    const { store, sandbox } = this.#laminate;
    const taken = store.cacheMounts.tryTake(ask);
    if (taken === "in use") this.#tell(`the cache mount ${JSON.stringify(ask.id)} is in use by another build: it stays here`);
    if (taken === "in use" || taken === undefined) {
      const far = this.#far?.mount(name)?.mount;
      if (far === undefined) return { size: 0 };
      this.#layers.add(far.layer); // where it has to be sent
      return { size: 0, mount: far };
    }
    using held = taken;
    const made = store.temporaryDirectory();
    mkdirSync(made, { recursive: true });
    const files = { tar: path.join(made, "tar"), index: path.join(made, "index") };
    const { size, diffId } = await sandbox.packTree({ directory: held.directory, ...files, most });
    if (diffId !== undefined) {
      this.#layers.add(diffId);
      store.layers.adopt({ ...files, diffId });
    }
    const packed = { size, ...(diffId === undefined ? {} : { mount: { name, id: ask.id, layer: diffId } }) };
    this.#packed.set(name, packed);
    return packed;
  }

  #tell(message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#events({ type: "warning", message, time: Date.now() });
  }
}
