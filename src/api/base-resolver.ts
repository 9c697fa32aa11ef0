import type { EventSink } from "../events/build-event.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";
import { formatPlatform, parsePlatform, type Platform } from "../oci/platform.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Laminate } from "./laminate.ts";

/** A base image with its config. */
export interface Base {
  readonly record: ImageRecord;
  readonly config: ImageConfig;
}

/** Finds base images: in the store, else in their registry; each once a build. */
export class BaseResolver {
  readonly #laminate: Laminate;
  readonly #options: { readonly pull: boolean; readonly events: EventSink; readonly signal: AbortSignal };
  readonly #found = new Map<string, Promise<Base>>();

  constructor(laminate: Laminate, options: { readonly pull: boolean; readonly events: EventSink; readonly signal: AbortSignal }) {
    this.#laminate = laminate;
    this.#options = options;
  }

  resolve(reference: string, platform: Platform): Promise<Base> {
    const name = `${canonicalReference(parseReference(reference))} ${formatPlatform(platform)}`;
    let base = this.#found.get(name);
    if (base === undefined) {
      base = this.#resolve(reference, platform);
      this.#found.set(name, base);
      base.catch(() => undefined);
    }
    return base;
  }

  async #resolve(reference: string, platform: Platform): Promise<Base> {
    const local = this.#options.pull ? undefined : await this.#local(reference, platform);
    if (local !== undefined) {
      return local;
    }
    const { pull } = await import("./pull.ts");
    const { events, signal } = this.#options;
    const { image } = await pull(this.#laminate, { reference, platform: formatPlatform(platform) }, { events, signal });
    return { record: image, config: await this.#laminate.store.images.config(image) };
  }

  /** The image of this name in the store, if it is for the platform. */
  async #local(reference: string, platform: Platform): Promise<Base | undefined> {
    const { images } = this.#laminate.store;
    const record = images.get(canonicalReference(parseReference(reference)));
    if (record === undefined) {
      return undefined;
    }
    const config = await images.config(record);
    const own = parsePlatform([config.os, config.architecture, config.variant].filter(Boolean).join("/"));
    const fits = own === undefined || (own.os === platform.os && own.architecture === platform.architecture && (platform.variant === undefined || own.variant === platform.variant));
    return fits ? { record, config } : undefined;
  }
}
