import type { LayerFiles } from "../../store/layers/unpack.ts";
import type { IdMapping } from "../namespace.ts";
import type { PackedTree, SandboxFacts, StepResult, StepSpec, TreeToPack } from "../step.ts";

/** The first line on the channel: what the worker has to know once. */
export interface WorkerSettings {
  /** The store's root: nothing outside it is ever removed. */
  readonly root: string;
  readonly runtime?: string;
  readonly dialect: "trusted" | "user";
  readonly mapping: IdMapping | null;
  /** Leave the machine's cgroups in sight, for steps that get their own. */
  readonly cgroups: boolean;
}

/** What can be asked of the worker, and what each answers. */
export interface Requests {
  readonly unpack: { readonly ask: { readonly layer: LayerFiles; readonly target: string }; readonly answer: null };
  readonly runStep: { readonly ask: StepSpec; readonly answer: StepResult };
  readonly packTree: { readonly ask: TreeToPack; readonly answer: PackedTree };
  readonly removeTree: { readonly ask: { readonly path: string }; readonly answer: null };
  /** Why layers cannot be mounted from images; null where they can. */
  readonly imageObstacle: { readonly ask: Record<string, never>; readonly answer: string | null };
  readonly probe: { readonly ask: Record<string, never>; readonly answer: SandboxFacts };
}

export type RequestKind = keyof Requests;

/** A line to the worker. */
export type ToWorker =
  | { readonly type: "start"; readonly settings: WorkerSettings }
  | { [K in RequestKind]: { readonly type: "request"; readonly id: number; readonly kind: K; readonly ask: Requests[K]["ask"] } }[RequestKind]
  | { readonly type: "cancel"; readonly id: number };

/** A failure as data; `code` is a SandboxError's, or absent for anything unexpected. */
export interface FailureMessage {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
}

/** A line from the worker. `data` is base64: output is bytes. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "output"; readonly id: number; readonly stream: "stdout" | "stderr"; readonly data: string }
  | { readonly type: "answer"; readonly id: number; readonly answer: Requests[RequestKind]["answer"] }
  | { readonly type: "failure"; readonly id: number; readonly failure: FailureMessage };
