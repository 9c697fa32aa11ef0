import { Failure } from "../base/failure.ts";
import type { EventSink } from "../events/build-event.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";
import { runsOn } from "../oci/choose-platform.ts";
import { formatPlatform, parsePlatform, type Platform } from "../oci/platform.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { BaseLoader } from "./build-contexts.ts";
import { BuildFailure } from "./build-failure.ts";
import type { Laminate } from "./laminate.ts";
import type { FarImage } from "./pull.ts";

interface ResolverOptions {
  readonly pull: boolean;
  /** Images that come from elsewhere, by canonical reference. */
  readonly given: ReadonlyMap<string, BaseLoader>;
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** The layers of an image that is not here are fetched by {@link BaseResolver.ensure} alone. */
  readonly lazy?: boolean | undefined;
  /** What stands for an image that is not here; without it that is fetched. */
  readonly absent?: (reference: string, platform: Platform) => ImageConfig;
}

/** Finds the configs of base images: of those in the store, else of what their registry has; each once a build. */
export class BaseResolver {
  readonly #laminate: Laminate;
  readonly #options: ResolverOptions;
  readonly #found = new Map<string, Promise<ImageConfig>>();
  readonly #far: { readonly canonical: string; readonly image: FarImage; pulled?: Promise<unknown> }[] = [];

  constructor(laminate: Laminate, options: ResolverOptions) {
    this.#laminate = laminate;
    this.#options = options;
  }

  resolve(reference: string, platform: Platform): Promise<ImageConfig> {
    const canonical = canonicalReference(parseReference(reference));
    const name = `${canonical} ${formatPlatform(platform)}`;
    let base = this.#found.get(name);
    if (base === undefined) {
      base = this.#options.given.get(canonical)?.(platform) ?? this.#resolve(reference, platform);
      this.#found.set(name, base);
      base.catch(() => undefined);
    }
    return base;
  }

  /** Brings the images into the store that these stacks of layers stand on, where they are not here. Throws as a pull does. */
  async ensure(layers: readonly DiffId[]): Promise<void> {
    const asked = new Set(layers);
    const wanted = this.#far.filter(({ image: { config: { rootfs } } }) => rootfs.diff_ids.every((layer) => asked.has(layer)) && rootfs.diff_ids.some((layer) => !this.#laminate.store.layers.has(layer)));
    await Promise.all(wanted.map((one) => (one.pulled ??= one.image.pull())));
  }

  /** The ID of an image that was found without its layers. */
  idOf(canonical: string): Digest | undefined {
    return this.#far.find((one) => one.canonical === canonical)?.image.id;
  }

  async #resolve(reference: string, platform: Platform): Promise<ImageConfig> {
    const local = this.#options.pull ? undefined : await this.#local(reference, platform);
    if (local !== undefined) {
      return local;
    }
    const { events, signal, absent } = this.#options;
    if (absent !== undefined) return absent(reference, platform);
    const { findFar, pull } = await import("./pull.ts");
    try {
      if (this.#options.lazy === true) {
        const image = await findFar(this.#laminate, { reference, platform: formatPlatform(platform) }, { events, signal });
        this.#far.push({ canonical: canonicalReference(parseReference(reference)), image });
        return image.config;
      }
      const { image } = await pull(this.#laminate, { reference, platform: formatPlatform(platform) }, { events, signal });
      return await this.#laminate.store.images.config(image);
    } catch (error) {
      const here = await this.#here(reference);
      if (signal.aborted || here === undefined || this.#options.pull || !(error instanceof Failure)) throw error;
      throw new BuildFailure("bad-platform", `it is here for ${formatPlatform(here.platform)} only, not for ${formatPlatform(platform)}; ${error.message}`, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    }
  }

  /** The image of this name in the store, if it is for the platform. */
  async #local(reference: string, platform: Platform): Promise<ImageConfig | undefined> {
    const here = await this.#here(reference);
    return here !== undefined && runsOn(here.platform, platform) ? here.config : undefined;
  }

  /** The image of this name in the store, whatever it is for. */
  async #here(reference: string): Promise<{ readonly config: ImageConfig; readonly platform: Platform } | undefined> {
    const { images } = this.#laminate.store;
    const record = images.get(canonicalReference(parseReference(reference)));
    if (record === undefined) {
      return undefined;
    }
    const config = await images.config(record);
    const { os, architecture, variant } = config;
    return { config, platform: parsePlatform([os, architecture, variant].filter(Boolean).join("/")) ?? { os, architecture } };
  }
}
