import { PassThrough } from "node:stream";
import type { Digest } from "../oci/digest.ts";
import { RegistryFailure } from "./registry-error.ts";
import type { Session } from "./session.ts";
import { beginUpload, endUpload, patchUpload } from "./uploads.ts";

/** Bytes that wait for the wire before their maker does. */
const AHEAD = 4 << 20;

/**
 * An upload of a blob that is still being made: its bytes go out as they come, its digest is told at the end
 * (distribution-spec, Pushing a blob in chunks; one PATCH of unknown length, as docker sends it). It is an attempt and
 * never fails: a blob that did not get through has to be sent by {@link uploadBlob}.
 */
export class StreamedUpload {
  readonly #session: Session;
  readonly #repository: string;
  readonly #signal: AbortSignal;
  readonly #bytes = new PassThrough({ highWaterMark: AHEAD });
  /** Where the upload goes on when all bytes are there. */
  readonly #location: Promise<URL | undefined>;

  constructor(session: Session, repository: string, signal: AbortSignal) {
    this.#session = session;
    this.#repository = repository;
    this.#signal = signal;
    this.#bytes.on("error", () => undefined); // told by the request that it belongs to
    this.#location = this.#attempt(() => this.#send());
  }

  /** Resolves when there is room for more, at once if the attempt has failed. Throws the signal's reason. */
  async write(chunk: Buffer): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#bytes.destroyed || this.#bytes.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#bytes.off("drain", go).off("close", go);
        resolve();
      };
      this.#bytes.on("drain", go).on("close", go);
    });
    this.#signal.throwIfAborted();
  }

  /** Ends the upload; whether the registry has the blob now. Throws the signal's reason. */
  async finish(digest: Digest): Promise<boolean> {
    this.#bytes.end();
    const location = await this.#location;
    this.#signal.throwIfAborted();
    if (location === undefined) return false;
    const ended = await this.#attempt(() => endUpload(this.#session, { repository: this.#repository, digest }, location, this.#signal));
    this.#signal.throwIfAborted();
    return ended !== undefined;
  }

  async #send(): Promise<URL> {
    const address = { repository: this.#repository, digest: "that is being made" };
    const begun = await beginUpload(this.#session, address, this.#signal);
    let opened = false;
    const open = (): PassThrough => {
      // A second try would miss what the first one took.
      if (opened) throw new RegistryFailure("bad-response", "send a blob that is being made: the registry wants it twice");
      opened = true;
      return this.#bytes;
    };
    return await patchUpload(this.#session, address, { location: begun, body: { open }, signal: this.#signal });
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch {
      this.#bytes.destroy();
      return undefined;
    }
  }
}
