import type { BuildEvent } from "../../events/build-event.ts";
import { unreachable } from "../../base/unreachable.ts";
import { humanSize, seconds } from "../format.ts";
import { printable } from "../printable.ts";
import { type CheckEvent, checkWarnings } from "./check-warnings.ts";
import { failedOutput, sinceStart } from "./failed-steps.ts";
import type { BuildResult, Renderer, RendererOptions } from "./renderer.ts";
import { isOver, type Step, type StepEvent, Steps, type Transfer } from "./steps.ts";

/** How long the step on show keeps the others waiting: output of two steps line by line cannot be read. */
const TURN_MS = 2000;
/** How often a transfer that goes on is mentioned. */
const TRANSFER_MS = 5000;
/** Of a failed step's output, all of which stands above already. */
const REPEATED_LINES = 20;

/** Lines that are only ever added, as BuildKit writes them: for pipes, files and CI. */
export class PlainRenderer implements Renderer {
  readonly #options: RendererOptions;
  readonly #steps = new Steps();
  /** Lines that wait for their step's turn. A step is in here from its first event until it is over and printed. */
  readonly #waiting = new Map<Step, string[]>();
  readonly #mentioned = new Map<Step, Map<string, number>>();
  /** The step whose lines are being printed. */
  #shown: Step | undefined;
  #shownSince = 0;
  readonly #named = new Set<Step>();
  readonly #checks: CheckEvent[] = [];
  /** The step of the line printed last: another one's begin with its name. */
  #last: Step | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RendererOptions) {
    this.#options = options;
  }

  readonly events = (event: BuildEvent): void => {
    switch (event.type) {
      case "plan":
        return this.#plan(event);
      case "warning":
        return this.#options.write(`WARNING: ${printable(event.message)}\n`);
      case "notice":
        return this.#options.write(`NOTE: ${printable(event.message)}\n`);
      case "check":
        return void this.#checks.push(event);
      default:
        return this.#stepEvent(event);
    }
  };

  succeed({ id, names, stored }: BuildResult): void {
    this.#end();
    const number = `#${this.#steps.all.length + 1}`;
    const named = names.map((name) => `${number} naming to ${name} done\n`).join("");
    if (stored) this.#options.write(`${this.#gap()}${number} exporting to image\n${number} writing image ${id} done\n${named}${number} DONE\n`);
    const found = checkWarnings(this.#checks);
    if (found !== undefined) this.#options.write(`\n${[found.heading, ...found.lines].join("\n")}\n`);
  }

  fail(): void {
    this.#end();
    this.#options.write(failedOutput(this.#steps.all, REPEATED_LINES));
  }

  cancel(): void {
    this.#end();
  }

  #plan(event: Extract<BuildEvent, { readonly type: "plan" }>): void {
    const pulled = this.#steps.plan(event);
    if (pulled === undefined) return;
    this.#waiting.get(pulled)!.push(`DONE ${seconds(event.time - pulled.started)}`);
    this.#print(event.time);
  }

  #stepEvent(event: StepEvent): void {
    const { step, lines } = this.#steps.apply(event);
    const queue = this.#waiting.get(step) ?? [];
    this.#waiting.set(step, queue);
    queue.push(...lines.map((line) => `${sinceStart(step, line.time)} ${line.text}`), ...this.#say(step, event));
    this.#print(event.time);
  }

  #say(step: Step, event: StepEvent): readonly string[] {
    switch (event.type) {
      case "step-started":
      case "step-log":
        return [];
      case "miss":
        return [`MISS ${step.miss}`];
      case "progress":
        return this.#sayTransfer(step, step.transfers.get(event.item)!, event.time);
      case "step-cached":
        return ["CACHED"];
      case "step-cancelled":
        return ["CANCELED"];
      case "step-finished":
        return [`DONE ${seconds(event.time - step.started)}`];
      case "step-failed":
        return [`ERROR: ${step.error!.split("\n")[0]}`];
      default:
        return unreachable(event);
    }
  }

  #sayTransfer(step: Step, transfer: Transfer, time: number): readonly string[] {
    const mentioned = this.#mentioned.get(step) ?? new Map<string, number>();
    this.#mentioned.set(step, mentioned);
    if (!transfer.done && time - (mentioned.get(transfer.item) ?? -Infinity) < TRANSFER_MS) return [];
    mentioned.set(transfer.item, time);
    const total = transfer.total === undefined ? "" : ` / ${humanSize(transfer.total)}`;
    const done = transfer.done ? ` ${seconds(time - transfer.started)} done` : "";
    return [`${transfer.item} ${humanSize(transfer.current)}${total}${done}`];
  }

  /** Prints what may be printed now: the shown step's lines, then, when it is over or had its turn, the others'. */
  #print(time: number): void {
    if (this.#shown !== undefined) this.#printStep(this.#shown);
    if (this.#shown !== undefined && time - this.#shownSince < TURN_MS) return this.#wakeLater();
    for (const [step, queue] of [...this.#waiting]) {
      if (step === this.#shown || (queue.length === 0 && (this.#named.has(step) || this.#shown !== undefined))) continue;
      this.#shown = step;
      this.#shownSince = time;
      this.#printStep(step);
      if (this.#shown !== undefined) return;
    }
  }

  #printStep(step: Step): void {
    const queue = this.#waiting.get(step)!;
    const head = this.#last === step ? "" : `${this.#gap()}#${step.number} ${step.name}\n`;
    this.#last = step;
    this.#named.add(step);
    const text = head + queue.splice(0).map((line) => `#${step.number} ${line}\n`).join("");
    if (text !== "") this.#options.write(text);
    if (!isOver(step)) return;
    this.#waiting.delete(step);
    this.#shown = undefined;
  }

  #gap(): string {
    return this.#last === undefined ? "" : "\n";
  }

  #wakeLater(): void {
    const others = [...this.#waiting].some(([step, queue]) => step !== this.#shown && queue.length > 0);
    if (!others || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#print(this.#options.clock());
    }, TURN_MS);
    this.#timer.unref();
  }

  /** Prints all that still waits. */
  #end(): void {
    clearTimeout(this.#timer);
    for (const [step, queue] of [...this.#waiting]) {
      queue.push(...step.log.end(this.#options.clock()).map((line) => `${sinceStart(step, line.time)} ${line.text}`));
      if (queue.length > 0) this.#printStep(step);
    }
  }
}
