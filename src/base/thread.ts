import { parentPort, Worker } from "node:worker_threads";

type Answered<Answer> = { readonly answer: Answer } | { readonly failure: ThrownInThread };

/** What is left of an error on its way out of a thread: its class is only a name then. */
interface ThrownInThread {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
}

/** New objects before the collector looks at them, MiB: threads handle bytes, and live for a moment. */
const YOUNG = 6;

/**
 * A thread that does one kind of work, asked in order. Started at the first request; it does not keep the process alive
 * between requests. Its file calls {@link answerRequests}.
 */
export class Thread<Ask, Answer> implements AsyncDisposable {
  readonly #file: URL;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #worker: Worker | undefined;

  /** `signal` ends the work in its midst. */
  constructor(file: URL, signal?: AbortSignal) {
    this.#file = file;
    this.#signal = signal;
  }

  /** Rejects with an error that has the name, message, `code` and `hint` of the one that the work threw, or the signal's reason. */
  async ask(ask: Ask, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    this.#signal?.throwIfAborted();
    const worker = (this.#worker ??= this.#start());
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.ref();
      worker.postMessage(ask, transfer);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#file, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG } });
    worker.on("message", (message: Answered<Answer>) => {
      const first = this.#waiting.shift();
      if (this.#waiting.length === 0) worker.unref();
      if ("answer" in message) first?.resolve(message.answer);
      else first?.reject(Object.assign(new Error(message.failure.message), message.failure));
    });
    worker.on("error", (error) => this.#fail(error as Error));
    const end = (): void => void worker.terminate();
    this.#signal?.addEventListener("abort", end, { once: true });
    worker.on("exit", () => {
      this.#signal?.removeEventListener("abort", end);
      this.#fail(this.#signal?.aborted === true ? (this.#signal.reason as Error) : new Error("Internal error: a worker thread ended early"));
    });
    return worker;
  }

  #fail(error: Error): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The thread's side: answers each request in its turn. */
export function answerRequests<Ask, Answer>(work: (ask: Ask) => Answer | Promise<Answer>): void {
  const port = parentPort;
  if (port === null) throw new Error("Internal error: this file is for a worker thread");
  let last = Promise.resolve();
  port.on("message", (ask: Ask) => {
    last = last.then(async () => port.postMessage(await answered(ask, work)));
  });
}

async function answered<Ask, Answer>(ask: Ask, work: (ask: Ask) => Answer | Promise<Answer>): Promise<Answered<Answer>> {
  try {
    return { answer: await work(ask) };
  } catch (error) {
    if (!(error instanceof Error)) return { failure: { name: "Error", message: String(error) } };
    const { name, message } = error;
    const { code, hint } = error as { readonly code?: unknown; readonly hint?: unknown };
    return { failure: { name, message, ...(code === undefined ? {} : { code: String(code) }), ...(hint === undefined ? {} : { hint: String(hint) }) } };
  }
}
