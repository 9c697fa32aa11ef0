import type { BuildRecord, StepRecord } from "./build-record.ts";

/** What changed between recorded builds, that which changed in most of them first. */
export interface Changes {
  /** Builds that were looked at. */
  readonly builds: number;
  /** Files of the main context, by their paths in it. */
  readonly files: readonly Changed[];
  readonly arguments: readonly Changed[];
}

export interface Changed {
  readonly name: string;
  /** In how many builds it made a step run. */
  readonly builds: number;
}

/** Counts the causes of the steps that ran in some builds: a file or argument counts once a build. */
export function changesOf(builds: readonly BuildRecord[]): Changes {
  return {
    builds: builds.length,
    files: count(builds, (step, { steps }) => (step.cause?.kind === "files" && ofContext(step, steps) ? step.cause.changes.map(({ path }) => path) : [])),
    arguments: count(builds, ({ cause }) => (cause?.kind === "variable" && cause.what === "build argument" ? [cause.name] : [])),
  };
}

function count(builds: readonly BuildRecord[], namesIn: (step: StepRecord, build: BuildRecord) => readonly string[]): Changed[] {
  const counts = new Map<string, number>();
  for (const build of builds) {
    for (const name of new Set(build.steps.flatMap((step) => namesIn(step, build)))) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, times]) => ({ name, builds: times })).toSorted((a, b) => b.builds - a.builds || (a.name < b.name ? -1 : 1));
}

/** Whether a step takes its files of the main context: a stage's have other names. */
function ofContext({ inputs }: StepRecord, steps: readonly StepRecord[]): boolean {
  return inputs.some((input) => steps.some(({ id, kind, ingredients }) => id === input && kind === "context" && ingredients["name"] === "context"));
}
