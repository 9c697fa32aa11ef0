import { earlierStep, causeGroups, cutOff, savedBy, type CauseGroup } from "../explain/causes-of-build.ts";
import type { BuildRecord, StepRecord } from "../explain/build-record.ts";
import type { FileChange } from "../explain/cause.ts";
import { nearest } from "../base/nearest.ts";
import { builds, findBuild, NoSuchBuild } from "./builds.ts";
import type { Laminate } from "./laminate.ts";
import { layerText } from "./layer-text.ts";

/** A changed file with its text before and after, where both are small texts and still in the store. */
export interface ExplainedFile extends FileChange {
  readonly textBefore?: string;
  readonly textAfter?: string;
}

export interface ExplainedGroup extends CauseGroup {
  readonly files: readonly ExplainedFile[];
  /** How many files changed; `files` may be the first of them. */
  readonly changedFiles: number;
}

/** A step that ran and gave what it gave before, with what that saved. */
export interface CutOff {
  readonly step: StepRecord;
  readonly saved: readonly StepRecord[];
  /** What they took when they last ran, milliseconds, as far as that is known. */
  readonly time: number;
}

/** Why the steps of a build ran. */
export interface Why {
  readonly build: BuildRecord;
  readonly groups: readonly ExplainedGroup[];
  /** Steps that ran and gave what they gave before, so that what follows them stayed cached. */
  readonly cutOff: readonly CutOff[];
}

export interface WhyOptions {
  /** An ID, its beginning, an image's name; by default the last. */
  readonly build?: string;
  /** A part of an instruction, or the number that the screen shows: `4` or `4/6`. */
  readonly step?: string;
}

/** Tells why the steps of an earlier build ran. Throws {@link NoSuchBuild} for a build or step that is not there. */
export async function why(laminate: Pick<Laminate, "store">, { build: wanted, step }: WhyOptions): Promise<Why> {
  const build = findBuild(laminate, wanted);
  const all = new Map(builds(laminate).map((one) => [one.id, one]));
  const groups = causeGroups(build);
  const chosen = step === undefined ? groups : groupsOf(build, groups, step);
  const explained = await Promise.all(chosen.map(async (group) => ({ ...group, ...(await filesOf(laminate, group, all.get(group.step.against ?? ""))) })));
  return { build, groups: explained, cutOff: cutOff(build, (id) => all.get(id)).map((one) => cutOffOf(laminate, one, build)).filter(({ saved }) => saved.length > 0) };
}

function cutOffOf({ store }: Pick<Laminate, "store">, step: StepRecord, build: BuildRecord): CutOff {
  const saved = savedBy(step, build);
  return { step, saved, time: saved.reduce((sum, { key }) => sum + (store.cache.step(key)?.took ?? 0), 0) };
}

function groupsOf(build: BuildRecord, groups: readonly CauseGroup[], wanted: string): CauseGroup[] {
  const numbered = build.steps.filter(({ title }) => [numberOf(title), numberOf(title)?.split("/")[0]].includes(wanted));
  const meant = numbered.length > 0 ? numbered : build.steps.filter(({ name }) => name.includes(wanted));
  // Stages count their steps each for itself: of several that are meant one that ran is asked for.
  const step = meant.find(({ outcome }) => outcome === "ran") ?? meant[0];
  if (step === undefined) {
    const near = nearest(wanted, build.steps.map(({ name }) => name));
    throw new NoSuchBuild(`the build ${build.id} has no step ${JSON.stringify(wanted)}`, near === undefined ? {} : { hint: `did you mean ${JSON.stringify(near)}?` });
  }
  const found = groups.filter((group) => group.step === step || group.followers.includes(step));
  if (found.length === 0) throw new NoSuchBuild(`${step.title} did not run in the build ${build.id}: it was in the cache`);
  return found;
}

/** `4/6` of `[build 4/6] RUN make`. */
function numberOf(title: string): string | undefined {
  return /^\[(?:.* )?(\d+\/\d+)\] /.exec(title)?.[1];
}

async function filesOf({ store }: Pick<Laminate, "store">, { step, cause }: CauseGroup, against: BuildRecord | undefined): Promise<Pick<ExplainedGroup, "files" | "changedFiles">> {
  if (cause?.kind !== "files") return { files: [], changedFiles: 0 };
  const before = earlierStep(step, against)?.layer;
  const files = await Promise.all(
    cause.changes.map(async (change): Promise<ExplainedFile> => {
      if (change.before === undefined || change.after === undefined || change.before.content === change.after.content) return change;
      const [textBefore, textAfter] = await Promise.all([layerText(store, before, change.before.content), layerText(store, step.layer, change.after.content)]);
      return textBefore === undefined || textAfter === undefined ? change : { ...change, textBefore, textAfter };
    }),
  );
  return { files, changedFiles: cause.total };
}
