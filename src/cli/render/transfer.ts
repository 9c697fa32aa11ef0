import type { BuildEvent, EventSink } from "../../events/build-event.ts";
import { humanSize } from "../format.ts";
import { printable } from "../printable.ts";
import { amount, bar } from "./rows.ts";
import type { Transfer } from "./steps.ts";
import { clip, textWidth } from "./text-width.ts";

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
  /** The widths of the lines on the screen: a terminal that became narrower has wrapped them. */
  #drawn: readonly number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
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
    this.#drawn = [];
  }

  readonly #onResize = (): void => this.#draw(this.#height());

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
    this.#erase();
    if (type === "warning") this.#options.err.write(`WARNING: ${printable(message)}\n`);
    else if (this.#options.quiet !== true) this.#options.err.write(`${printable(message)}\n`);
    if (this.#live) this.#drawLater();
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
    this.#erase();
    const all = [...this.#transfers.values()];
    const over = all.length > height ? all.filter((transfer) => transfer.done).slice(0, all.length - height) : [];
    const shown = all.filter((transfer) => !over.includes(transfer)).slice(0, height);
    const lines = shown.map((transfer) => clip(this.#line(transfer), this.#options.out.columns - 1));
    this.#options.out.write(lines.map((line) => `${line}\n`).join(""));
    this.#drawn = lines.map(textWidth);
  }

  #line(transfer: Transfer): string {
    const { going, done } = this.#options.words;
    if (transfer.done) return `${transfer.item}: ${done}`;
    const size = transfer.total === undefined ? humanSize(transfer.current) : amount(transfer);
    return [`${transfer.item}:`, going, bar(transfer), size].filter((word) => word !== "").join(" ");
  }

  #erase(): void {
    const up = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / this.#options.out.columns)), 0);
    if (up > 0) this.#options.out.write(`\u001b[${up}A\r\u001b[J`);
    this.#drawn = [];
  }
}

function itemName(item: string): string {
  const digest = /^sha256:([0-9a-f]{64})$/.exec(item);
  return digest === null ? printable(item) : digest[1]!.slice(0, DIGITS);
}
