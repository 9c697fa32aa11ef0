import { constants, openSync, closeSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { errnoOf } from "../../base/failure.ts";
import { PacketSocket } from "../../sys/packet-socket.ts";
import type { AttachPlan } from "../launch-plan.ts";

/** conmon reads at most so much at once and forgets the rest of a larger packet. */
const INPUT_SIZE = 8192;
const PACKET_SIZE = 1 << 16;
/** The first byte of each packet names the stream. */
const STDERR = 3;

/**
 * Why the streams came apart: the container closed them or ended (`closed`), the detach keys were typed (`detached`),
 * or nobody reads our standard output any more (`unread`).
 */
export type Parted = "closed" | "detached" | "unread";

/** Our standard streams joined to those of a container, through its monitor's attach socket. Both directions wait for a slow reader; nothing is lost. */
export class Streams {
  readonly #socket: PacketSocket;
  readonly #bundle: string;
  readonly parted: Promise<Parted>;
  #part!: (why: Parted) => void;

  /** `bundle` is the container's bundle, whose monitor listens there. */
  constructor(bundle: string, { stdin, terminal, detachKeys }: AttachPlan) {
    this.#bundle = bundle;
    this.#socket = new PacketSocket(bundle, "attach");
    this.parted = new Promise((resolve) => (this.#part = resolve));
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // each write says so too
    void this.#output();
    if (stdin) void this.#input(terminal ? new DetachKeys(detachKeys) : undefined);
    if (stdin && terminal && process.stdin.isTTY) process.stdin.setRawMode(true);
    if (terminal) this.resize(process.stdout.rows, process.stdout.columns);
  }

  /** Tells the container's terminal its size, in characters. */
  resize(rows: number | undefined, columns: number | undefined): void {
    if (!rows || !columns) return;
    try {
      const control = openSync(`${this.#bundle}/ctl`, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(control, `1 ${rows} ${columns}\n`);
      closeSync(control);
    } catch {
      // The monitor is gone.
    }
  }

  /** Lets go of the container, and of our terminal. */
  close(): void {
    this.#socket.shutdown("both");
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  }

  async #output(): Promise<void> {
    const buffer = Buffer.allocUnsafe(PACKET_SIZE);
    try {
      for (let size = await this.#socket.read(buffer); size > 0; size = await this.#socket.read(buffer)) {
        await written(buffer[0] === STDERR ? process.stderr : process.stdout, Buffer.from(buffer.subarray(1, size)));
      }
      this.#part("closed");
    } catch (error) {
      this.#part(errnoOf(error) === "EPIPE" ? "unread" : "closed");
    }
  }

  async #input(keys: DetachKeys | undefined): Promise<void> {
    try {
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
        const { pass, found } = keys?.filter(chunk) ?? { pass: chunk, found: false };
        for (let at = 0; at < pass.length; at += INPUT_SIZE) await this.#socket.write(pass.subarray(at, at + INPUT_SIZE));
        if (found) return this.#part("detached");
      }
    } catch {
      return; // the container takes no more, and its output says the rest
    }
    this.#socket.shutdown("write");
  }
}

/** Finds the detach keys in what is typed, and holds back those that may become them. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #held = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  filter(chunk: Buffer): { readonly pass: Buffer; readonly found: boolean } {
    if (this.#keys.length === 0) return { pass: chunk, found: false };
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#held]) {
        pass.push(...this.#keys.slice(0, this.#held));
        this.#held = 0;
      }
      if (byte === this.#keys[this.#held]) this.#held += 1;
      else pass.push(byte);
      if (this.#held === this.#keys.length) return { pass: Buffer.from(pass), found: true };
    }
    return { pass: Buffer.from(pass), found: false };
  }
}

function written(stream: Writable, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => stream.write(data, (error) => (error ? reject(error) : resolve())));
}
