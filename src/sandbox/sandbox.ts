import { unreachable } from "../base/unreachable.ts";
import type { LayerFiles } from "../store/layers/unpack.ts";
import { idMapping, overlayDialect } from "./namespace.ts";
import { ImageMountMemory, wantedSnapshots } from "./image-mounts.ts";
import { SandboxError } from "./sandbox-error.ts";
import type { PackedTree, SandboxFacts, StepHooks, StepResult, StepSpec, TreeToPack } from "./step.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";
import type { FailureMessage, FromWorker, RequestKind, Requests, ToWorker } from "./worker/messages.ts";

export type { HostEntry } from "./host-files.ts";
export type { FileOwner, SandboxFacts, StepBounds, StepHooks, StepLayer, StepMount, StepNetwork, StepReads, StepResult, StepSpec, TreePart } from "./step.ts";

/** Where the privileged work happens: a second process in namespaces of its own, started when it is first needed. */
export interface Sandbox extends AsyncDisposable {
  /** Starts the worker for a request that is sure to come; a failure is that request's to tell. */
  prepare(): void;
  /** Lets the worker end while the caller goes on, as no request is expected; one that comes starts another. */
  rest(): void;
  /** Whose overlay attributes layer directories carry here. */
  readonly dialect: "trusted" | "user";
  /** Makes a layer's files in the empty directory `target`, owners and whiteouts included. */
  unpack(layer: LayerFiles, target: string): Promise<void>;
  /**
   * Runs one step. The result's files lie in `step.scratch`, whose remains the caller gives to {@link removeTree}.
   * Rejects with the signal's reason when it is aborted; no process and no mount is then left.
   */
  runStep(step: StepSpec, hooks: StepHooks): Promise<StepResult>;
  /**
   * Whether layers are mounted from EROFS images over their tars instead of being unpacked: where the kernel can and
   * LAMINATE_SNAPSHOTS does not forbid it. Asked once a boot. Throws SandboxError `no-images` where it is asked for in vain.
   */
  mountsImages(): Promise<boolean>;
  /** Makes a layer of what is in a directory below the store's root, whoever owns its files; nobody changes them meanwhile. */
  packTree(tree: TreeToPack): Promise<PackedTree>;
  /** Removes a tree below the store's root whoever owns its files. */
  removeTree(path: string): Promise<void>;
  probe(): Promise<SandboxFacts>;
}

export interface SandboxOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The store's root. */
  readonly root: string;
  /** A runtime's name or path; else LAMINATE_RUNTIME, else crun, or runc where steps may have cgroups; else the other. */
  readonly runtime?: string;
  /** The script that node runs with the argument `worker`: the command's entry, or worker/main.ts. */
  readonly entry: string;
  /** Steps may have cgroups of their own. */
  readonly cgroups?: boolean;
  /** Trees below the root that dead processes left and that the store may not remove itself: removed once a worker runs. */
  readonly leftovers?: readonly string[];
}

/** Makes a sandbox; starts nothing until it is first used. */
export function createSandbox(options: SandboxOptions): Sandbox {
  return new WorkerSandbox(options);
}

interface Pending {
  resolve(answer: Requests[RequestKind]["answer"]): void;
  reject(error: unknown): void;
  readonly hooks: StepHooks | undefined;
}

class WorkerSandbox implements Sandbox {
  readonly dialect = overlayDialect();
  readonly #options: SandboxOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Promise<WorkerProcess> | undefined;
  readonly #ending: Promise<void>[] = [];
  #lastId = 0;
  #mountsImages: Promise<boolean> | undefined;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  prepare(): void {
    this.#worker ??= this.#start();
    this.#worker.catch(() => undefined);
  }

  rest(): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    this.#ending.push(worker.then((started) => started.end(), () => undefined));
  }

  async unpack(layer: LayerFiles, target: string): Promise<void> {
    await this.#ask("unpack", { layer, target });
  }

  runStep(step: StepSpec, hooks: StepHooks): Promise<StepResult> {
    return this.#ask("runStep", step, hooks);
  }

  mountsImages(): Promise<boolean> {
    this.#mountsImages ??= this.#chooseSnapshots();
    return this.#mountsImages;
  }

  packTree(tree: TreeToPack): Promise<PackedTree> {
    return this.#ask("packTree", tree);
  }

  async removeTree(path: string): Promise<void> {
    await this.#ask("removeTree", { path });
  }

  async probe(): Promise<SandboxFacts> {
    const unwanted = wantedSnapshots(this.#options.env) === "directory" ? { imageObstacle: "LAMINATE_SNAPSHOTS=directory" } : {};
    return { ...(await this.#ask("probe", {})), ...unwanted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rest();
    await Promise.all(this.#ending);
  }

  async #ask<K extends RequestKind>(kind: K, ask: Requests[K]["ask"], hooks?: StepHooks): Promise<Requests[K]["answer"]> {
    hooks?.signal.throwIfAborted();
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    hooks?.signal.throwIfAborted();
    const id = ++this.#lastId;
    const cancel = () => worker.send({ type: "cancel", id });
    hooks?.signal.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise<Requests[K]["answer"]>((resolve, reject) => {
        this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject, hooks });
        worker.send({ type: "request", id, kind, ask } as ToWorker);
      });
    } catch (error) {
      hooks?.signal.throwIfAborted(); // what failed then failed because of it
      throw error;
    } finally {
      this.#pending.delete(id);
      hooks?.signal.removeEventListener("abort", cancel);
    }
  }

  async #chooseSnapshots(): Promise<boolean> {
    const { env, root } = this.#options;
    const wanted = wantedSnapshots(env);
    if (wanted === "directory" || (this.dialect === "user" && wanted === undefined)) return false;
    const memory = new ImageMountMemory(root);
    const known = memory.recall();
    const obstacle = known === undefined ? memory.note(await this.#ask("imageObstacle", {})) : known;
    if (obstacle !== null && wanted === "erofs") {
      throw new SandboxError("no-images", `LAMINATE_SNAPSHOTS=erofs: layers cannot be mounted in place: ${obstacle}`, { hint: "unset it, and layers are unpacked" });
    }
    return obstacle === null;
  }

  async #start(): Promise<WorkerProcess> {
    const { env, entry, root, runtime, cgroups = false, leftovers = [] } = this.#options;
    const mapping = idMapping() ?? null;
    const settings = { root, dialect: this.dialect, mapping, cgroups, ...(runtime === undefined ? {} : { runtime }) };
    const worker = await startWorker({ env, entry, settings, onMessage: (message) => this.#receive(message), onDeath: (error) => this.#rejectAll(error) });
    void Promise.allSettled(leftovers.map((path) => this.removeTree(path))); // nobody waits; the next process tries again
    return worker;
  }

  #receive(message: Exclude<FromWorker, { type: "ready" }>): void {
    const pending = this.#pending.get(message.id);
    switch (message.type) {
      case "output":
        pending?.hooks?.onOutput(message.stream, Buffer.from(message.data, "base64"));
        return;
      case "answer":
        pending?.resolve(message.answer);
        return;
      case "failure":
        pending?.reject(failureOf(message.failure));
        return;
      default:
        unreachable(message);
    }
  }

  #rejectAll(error: SandboxError): void {
    this.#worker = undefined; // the next request starts another
    for (const pending of this.#pending.values()) pending.reject(error);
  }
}

function failureOf({ code, message, hint }: FailureMessage): Error {
  if (code === undefined) return new Error(message);
  // A layer's own failures (a tar that climbs out) keep their code; only the class is the sandbox's.
  return new SandboxError(code as SandboxError["code"], message, hint === undefined ? {} : { hint });
}
