import { join, resolve, sep } from "node:path";
import { Failure, reasonOf } from "../../base/failure.ts";
import { unreachable } from "../../base/unreachable.ts";
import { contentSize, diffDirectory } from "../../store/layers/diff-directory.ts";
import { unpackLayer } from "../../store/layers/unpack.ts";
import { hideCgroups } from "../cgroups.ts";
import { findErofsObstacle } from "../erofs.ts";
import { LowerMounts, lowerMountsPlace } from "../lower-mounts.ts";
import { findRuntime, type Runtime } from "../runtime.ts";
import { SandboxError } from "../sandbox-error.ts";
import type { PackedTree, SandboxFacts, TreeToPack, WorkerHooks } from "../step.ts";
import type { FailureMessage, FromWorker, RequestKind, Requests, ToWorker, WorkerSettings } from "./messages.ts";
import { removeTrees } from "./remove-tree.ts";
import { runStep } from "./run-step.ts";
import { StepNetworks } from "./step-networks.ts";

/** Writes a message; a promise when the channel is full, until there is room again. */
export type Send = (message: FromWorker) => Promise<void> | undefined;

/** The worker's side of the channel: answers requests, several at a time. */
export class Server {
  readonly #env: NodeJS.ProcessEnv;
  readonly #send: Send;
  readonly #running = new Map<number, AbortController>();
  #settings: WorkerSettings | undefined;
  #networks: StepNetworks | undefined;
  #lowers: LowerMounts | undefined;
  /** Where no step has a cgroup of its own, the one that starts faster. */
  #preferred: Runtime["kind"] = "runc";

  constructor(env: NodeJS.ProcessEnv, send: Send) {
    this.#env = env;
    this.#send = send;
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "start":
        this.#settings = message.settings;
        if (!message.settings.cgroups && hideCgroups()) this.#preferred = "crun";
        void this.#send({ type: "ready" });
        return;
      case "request":
        void this.#answer(message);
        return;
      case "cancel":
        this.#running.get(message.id)?.abort();
        return;
      default:
        unreachable(message);
    }
  }

  /** Gives back what would outlive this process. */
  async end(): Promise<void> {
    await this.#networks?.[Symbol.asyncDispose]();
  }

  async #answer(message: Extract<ToWorker, { type: "request" }>): Promise<void> {
    const { id } = message;
    const abort = new AbortController();
    this.#running.set(id, abort);
    const hooks: WorkerHooks = {
      signal: abort.signal,
      onOutput: (stream, data) => this.#send({ type: "output", id, stream, data: data.toString("base64") }),
    };
    try {
      void this.#send({ type: "answer", id, answer: await this.#perform(message, hooks) });
    } catch (error) {
      void this.#send({ type: "failure", id, failure: failureMessage(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  async #perform(message: Extract<ToWorker, { type: "request" }>, hooks: WorkerHooks): Promise<Requests[RequestKind]["answer"]> {
    const settings = this.#started();
    switch (message.kind) {
      case "unpack":
        await unpackLayer(message.ask.layer, message.ask.target, { dialect: settings.dialect, owners: true });
        return null;
      case "runStep":
        return runStep(message.ask, { runtime: this.#runtime(settings), dialect: settings.dialect, rootless: settings.mapping !== null, networks: this.#network(settings), lowers: this.#lowerMounts(settings), env: this.#env }, hooks);
      case "packTree":
        return packTree({ ...message.ask, directory: insideRoot(message.ask.directory, settings.root) }, settings.dialect);
      case "removeTree":
        await removeTrees([insideRoot(message.ask.path, settings.root)]);
        return null;
      case "imageObstacle":
        return imageObstacle(settings);
      case "probe":
        return this.#probe(settings);
      default:
        return unreachable(message);
    }
  }

  async #probe(settings: WorkerSettings): Promise<SandboxFacts> {
    const { path } = this.#runtime(settings);
    const said = await this.#network(settings).probe();
    const details = { ...(said.reason === undefined ? {} : { networkReason: said.reason }), ...(said.by === undefined ? {} : { networkBy: said.by }) };
    return { runtime: path, network: said.kind === "private" ? "private" : "host", ...details, mapping: settings.mapping, dialect: settings.dialect, imageObstacle: imageObstacle(settings) };
  }

  #runtime({ runtime }: WorkerSettings): Runtime {
    return findRuntime(this.#env, runtime, this.#preferred);
  }

  #started(): WorkerSettings {
    if (this.#settings === undefined) throw new Error("Internal error: a request came before the settings");
    return this.#settings;
  }

  /** Mounted once and used by all steps; they end with the worker. */
  #lowerMounts(settings: WorkerSettings): LowerMounts {
    this.#lowers ??= new LowerMounts(lowerMountsPlace(settings.root));
    return this.#lowers;
  }

  #network(settings: WorkerSettings): StepNetworks {
    this.#networks ??= new StepNetworks({ env: this.#env, root: settings.root, rootless: settings.mapping !== null });
    return this.#networks;
  }
}

async function packTree({ directory, tar, index, most }: TreeToPack, dialect: WorkerSettings["dialect"]): Promise<PackedTree> {
  const size = contentSize(directory);
  if (size === 0 || size > most) return { size };
  const { diffId } = await diffDirectory(directory, { dialect, tarPath: tar, indexPath: index });
  return { size, diffId };
}

function imageObstacle({ dialect, root }: WorkerSettings): string | null {
  return dialect === "trusted" ? (findErofsObstacle(join(root, "tmp")) ?? null) : "only root of the machine may mount EROFS";
}

/** The worker is root over every id of its mapping: a wrong path here would remove what is not ours. */
function insideRoot(path: string, root: string): string {
  const absolute = resolve(path);
  if (!absolute.startsWith(resolve(root) + sep)) {
    throw new SandboxError("unsafe-path", `cannot touch ${JSON.stringify(path)}: it is not below the store ${JSON.stringify(root)}`);
  }
  return absolute;
}

function failureMessage(error: unknown): FailureMessage {
  if (!(error instanceof Failure)) return { message: reasonOf(error) };
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}
