/** Everything that happens in a build or transfer, in order; renderers print these and nothing else prints. Times are milliseconds since the epoch. */
export type BuildEvent =
  /** All steps of the graph, before the first starts. */
  | { readonly type: "plan"; readonly steps: readonly { readonly id: number; readonly name: string }[]; readonly time: number }
  | { readonly type: "step-started"; readonly id: number; readonly name: string; readonly time: number }
  /** Output of a step's process; `data` is UTF-8 text that may end inside a line. */
  | { readonly type: "step-log"; readonly id: number; readonly stream: "stdout" | "stderr"; readonly data: string; readonly time: number }
  /** Bytes moved by a step or one blob of it; `total` may be unknown. */
  | { readonly type: "progress"; readonly id: number; readonly item: string; readonly current: number; readonly total?: number; readonly done: boolean; readonly time: number }
  | { readonly type: "step-cached"; readonly id: number; readonly name: string; readonly time: number }
  | { readonly type: "step-finished"; readonly id: number; readonly name: string; readonly time: number }
  | { readonly type: "step-failed"; readonly id: number; readonly name: string; readonly message: string; readonly time: number }
  | { readonly type: "step-cancelled"; readonly id: number; readonly name: string; readonly time: number }
  /** Why the first step that was not cached had to run, one sentence for the user. */
  | { readonly type: "miss"; readonly id: number; readonly message: string; readonly time: number }
  | { readonly type: "warning"; readonly message: string; readonly time: number }
  /** A build check found something; `rule` has a page in docs/rules/. */
  | { readonly type: "check"; readonly rule: string; readonly message: string; readonly file: string; readonly line: number; readonly time: number }
  | { readonly type: "notice"; readonly message: string; readonly time: number };

/** Where events go. Must not throw and must not wait. */
export type EventSink = (event: BuildEvent) => void;
