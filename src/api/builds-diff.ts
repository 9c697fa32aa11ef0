import type { Json } from "../base/canonical-json.ts";
import { counterpart, type StepRecord } from "../explain/build-record.ts";
import { changeText } from "../explain/cause.ts";
import { changedIngredients, fileChanges } from "../explain/find-cause.ts";
import type { Digest } from "../oci/digest.ts";
import { findBuild } from "./builds.ts";
import type { Laminate } from "./laminate.ts";

/** A step that is not what it was in another build. */
export interface StepDifference {
  readonly title: string;
  readonly what: "only in the first" | "only in the second" | "other inputs" | "other result";
  /** What went into its key and differs. */
  readonly ingredients: readonly { readonly name: string; readonly before?: Json; readonly after?: Json }[];
  /** A sentence a changed file, where both lists are still known. */
  readonly files: readonly string[];
}

/** What differs between two builds, step by step. Throws NoSuchBuild. */
export function buildsDiff(laminate: Pick<Laminate, "store">, before: string, after: string): StepDifference[] {
  const [first, second] = [findBuild(laminate, before), findBuild(laminate, after)];
  const met = new Set<StepRecord>();
  const differences = second.steps.flatMap((step): StepDifference[] => {
    const then = counterpart(step, first.steps);
    if (then === undefined) return [{ title: step.title, what: "only in the second", ingredients: [], files: [] }];
    met.add(then);
    return between(laminate, then, step);
  });
  const gone = first.steps.filter((step) => !met.has(step)).map(({ title }): StepDifference => ({ title, what: "only in the first", ingredients: [], files: [] }));
  return [...differences, ...gone];
}

function between({ store }: Pick<Laminate, "store">, before: StepRecord, after: StepRecord): StepDifference[] {
  if (before.key === after.key) return before.result === after.result ? [] : [{ title: after.title, what: "other result", ingredients: [{ name: "result", ...part("before", before.result), ...part("after", after.result) }], files: [] }];
  const names = changedIngredients(before, after);
  const [then, now] = [before, after].map(({ ingredients }) => (typeof ingredients["files"] === "string" ? store.selections.get(ingredients["files"] as Digest) : undefined));
  const files = names.includes("files") && then !== undefined && now !== undefined ? fileChanges(now, then).map(changeText) : [];
  const ingredients = names.map((name) => ({ name, ...part("before", before.ingredients[name]), ...part("after", after.ingredients[name]) }));
  return [{ title: after.title, what: "other inputs", ingredients, files }];
}

function part<K extends string, T>(name: K, value: T | undefined): { readonly [key in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in K]?: T };
}
