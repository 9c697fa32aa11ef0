import type { BuildEvent, EventSink } from "../../events/build-event.ts";
import { humanSize } from "../format.ts";
import { printable } from "../printable.ts";
import { LiveLines } from "./live-lines.ts";
import { amount, bar } from "./rows.ts";
import type { Transfer } from "./steps.ts";
import { clip } from "./text-width.ts";

export interface TransferOptions {
  /** Where docker shows it: standard output. */
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** What is said of an item: "Downloading" and, when it is there, "Pull complete". */
  readonly words: { readonly going: string; readonly done: string };
  /** `--quiet`: only warnings. */
  readonly quiet?: boolean;
}

const FRAME_MS = 100;
/** Blobs are called by the first digits of their digest. */
const DIGITS = 12;

/** Shows a pull or push: on a terminal a bar for each blob, elsewhere a line when one is done. */
export class TransferDisplay {
  readonly #options: TransferOptions;
  readonly #live: boolean;
  readonly #transfers = new Map<string, Transfer>();
  readonly #lines: LiveLines;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#lines = new LiveLines((text) => options.out.write(text), options.out);
    this.#live = options.out.isTTY && options.env["TERM"] !== "dumb" && ["", "false"].includes(options.env["CI"] ?? "");
    if (this.#live) options.out.on("resize", this.#onResize);
  }

  readonly events: EventSink = (event) => {
    if (event.type === "warning" || event.type === "notice") this.#say(event);
    else if (event.type === "progress" && this.#options.quiet !== true) this.#progress(event);
  };

  /** Leaves the display as it is at last; what is printed after it stands below. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#live) this.#draw(Infinity);
    this.#options.out.off("resize", this.#onResize);
    this.#lines.leave();
  }

  readonly #onResize = (): void => {
    this.#lines.erase();
    this.#draw(this.#height());
  };

  #height(): number {
    return Math.max(4, this.#options.out.rows) - 1;
  }

  #progress({ item, current, total, done, time }: Extract<BuildEvent, { readonly type: "progress" }>): void {
    const wasDone = this.#transfers.get(item)?.done === true;
    this.#transfers.set(item, { item: itemName(item), current, total, done, started: time });
    if (this.#live) this.#drawLater();
    else if (done && !wasDone) this.#options.out.write(`${itemName(item)}: ${this.#options.words.done}\n`);
  }

  #say({ type, message }: Extract<BuildEvent, { readonly type: "warning" | "notice" }>): void {
    if (type === "notice" && this.#options.quiet === true) return;
    const { err } = this.#options;
    const text = type === "warning" ? `WARNING: ${printable(message)}` : printable(message);
    if (!this.#live || !err.isTTY) {
      err.write(`${text}\n`);
      return;
    }
    this.#lines.above(text, (shown) => err.write(shown));
    this.#drawLater();
  }

  #drawLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draw(this.#height());
    }, FRAME_MS);
    this.#timer.unref();
  }

  #draw(height: number): void {
    const all = [...this.#transfers.values()];
    const over = all.length > height ? all.filter((transfer) => transfer.done).slice(0, all.length - height) : [];
    const shown = all.filter((transfer) => !over.includes(transfer)).slice(0, height);
    const lines = shown.map((transfer) => clip(this.#line(transfer), this.#lines.columns));
    this.#lines.replace(lines.map((text) => ({ text, shown: text })));
  }

  #line(transfer: Transfer): string {
    const { going, done } = this.#options.words;
    if (transfer.done) return `${transfer.item}: ${done}`;
    const size = transfer.total === undefined ? humanSize(transfer.current) : amount(transfer);
    return [`${transfer.item}:`, going, bar(transfer), size].filter((word) => word !== "").join(" ");
  }
}

function itemName(item: string): string {
  const digest = /^sha256:([0-9a-f]{64})$/.exec(item);
  return digest === null ? printable(item) : digest[1]!.slice(0, DIGITS);
}
