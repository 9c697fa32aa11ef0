import { lstatSync } from "node:fs";
import path from "node:path";
import { Failure, reasonOf } from "../base/failure.ts";
import type { Proposal, Texts, Trial } from "../dockerfile/advice/proposal.ts";
import { parseDockerfile } from "../dockerfile/parse/parse.ts";
import { type Advice, type Basis, type Change, type Difference, type Measured, isUnsure, saves, sortDifferences } from "../explain/advice.ts";
import type { BuildRecord } from "../explain/build-record.ts";
import type { Changes } from "../explain/changes.ts";
import type { BuildOptions } from "./build.ts";
import type { Replay } from "./replay.ts";
import { filesBelow, FOREIGN } from "./survey.ts";

export interface TrialsOptions {
  readonly before: Texts;
  readonly changes: Changes;
  readonly records: readonly BuildRecord[];
  readonly directory: string;
  readonly build: Pick<BuildOptions, "buildArgs">;
  /** Told before each trial. */
  readonly onTrial: (title: string) => void;
  readonly signal: AbortSignal;
}

/** Tries proposals against the Dockerfile as it is, which is measured once for each change. */
export class Trials {
  readonly #replay: Replay;
  readonly #options: TrialsOptions;
  readonly #before = new Map<string, Promise<Measured>>();
  readonly #proposals = new Map<Advice, Proposal>();
  #noise: Promise<readonly Difference[]> | undefined;

  constructor(replay: Replay, options: TrialsOptions) {
    this.#replay = replay;
    this.#options = options;
  }

  /** Tries one proposal. */
  async advice(proposal: Proposal): Promise<Advice> {
    const advice = await this.#advice(proposal);
    this.#proposals.set(advice, proposal);
    return advice;
  }

  async #advice(proposal: Proposal): Promise<Advice> {
    const { kind, title, line, trial, drops } = proposal;
    const own = { kind, title, ...(line === undefined ? {} : { line }) };
    const texts = proposal.apply(this.#options.before);
    const chosen = this.#choose(trial);
    if (texts === undefined || chosen === undefined) return { ...own, ...NOTHING, verdict: "not-tried", reason: texts === undefined ? "its place in the Dockerfile is not clear" : "there is nothing to change to try it with" };
    return { ...own, ...chosen, ...(await this.#try(title, texts, chosen.change, drops)) };
  }

  /** What all that save come to together. One that cannot be made with those before it is left out. */
  async together(tried: readonly Advice[]): Promise<Advice | undefined> {
    const accepted = tried.filter(({ verdict }) => verdict === "saves");
    if (accepted.length <= 1) return accepted[0];
    const [first] = accepted as [Advice];
    const all = accepted.map((advice) => this.#proposals.get(advice)!);
    for (let count = all.length; count > 1; count -= 1) {
      const taken = all.slice(0, count);
      const texts = taken.reduce<Texts>((now, { apply }) => apply(now) ?? now, this.#options.before);
      const title = `all together: ${taken.length} changes`;
      const advice: Advice = { kind: "all", title, change: first.change!, ...(first.basis === undefined ? {} : { basis: first.basis }), ...(await this.#try(title, texts, first.change!, taken.flatMap(({ drops }) => drops))) };
      if (advice.verdict === "saves") return advice;
    }
    return first;
  }

  async #try(title: string, texts: Texts, change: Change, drops: readonly string[]): Promise<Omit<Advice, "kind" | "title">> {
    const { onTrial, signal } = this.#options;
    const before = await this.#measuredBefore(change);
    onTrial(title);
    try {
      parseDockerfile(texts.dockerfile, "Dockerfile");
      const after = await this.#replay.measure(texts, change);
      const [first, second] = await this.#fastest(texts, change, [before, after]);
      const found = await this.#replay.differences(before, after);
      const quiet = sortDifferences({ found, noise: [] }, drops);
      const sorted = quiet.differences.length === 0 ? quiet : sortDifferences({ found, noise: await this.#noiseOf(before) }, drops);
      const figures = { before: figuresOf(first), after: figuresOf(second) };
      if (sorted.differences.length > 0) return { ...figures, ...sorted, verdict: "differs", reason: "the image holds other files", texts };
      return { ...figures, ...sorted, verdict: saves(first, second) ? "saves" : "saves-nothing", texts };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure)) throw error;
      return { ...NOTHING, verdict: "fails", reason: reasonOf(error), texts };
    }
  }

  /** Measures both again, by turns, where one measurement each says too little; the fastest of each counts. */
  async #fastest(texts: Texts, change: Change, pair: readonly [Measured, Measured]): Promise<readonly [Measured, Measured]> {
    let [before, after] = pair;
    for (let turn = 1; turn < TURNS && isUnsure(before, after); turn += 1) {
      before = faster(before, await this.#replay.measure(this.#options.before, change));
      after = faster(after, await this.#replay.measure(texts, change));
    }
    this.#before.set(JSON.stringify(change), Promise.resolve(before));
    return [before, after];
  }

  #measuredBefore(change: Change): Promise<Measured> {
    const name = JSON.stringify(change);
    let measured = this.#before.get(name);
    if (measured === undefined) {
      this.#options.onTrial(`the Dockerfile as it is, and after ${change.kind === "file" ? change.path : change.name} changed`);
      measured = this.#replay.measure(this.#options.before, change);
      this.#before.set(name, measured);
    }
    return measured;
  }

  #noiseOf({ plain }: Measured): Promise<readonly Difference[]> {
    if (this.#noise === undefined) {
      this.#options.onTrial("the Dockerfile as it is once more: does it give the same image twice?");
      this.#noise = this.#replay.noise(this.#options.before, plain);
    }
    return this.#noise;
  }

  /** What to change for a trial: what changed in most of the recorded builds, else the youngest file. */
  #choose(trial: Trial): { readonly change: Change; readonly basis: Basis } | undefined {
    const { changes, directory, records, build } = this.#options;
    if (trial.kind === "argument") {
      const recorded = records.flatMap(({ steps }) => steps.flatMap(({ cause }) => (cause?.kind === "variable" && cause.name === trial.name ? [cause.before, cause.after] : [])));
      const [from, value] = new Set([build.buildArgs[trial.name], ...recorded].filter((one) => one !== undefined));
      if (from === undefined || value === undefined) return undefined;
      return { change: { kind: "argument", name: trial.name, from, value }, basis: { recorded: changes.arguments.find(({ name }) => name === trial.name)?.builds ?? 0, builds: changes.builds } };
    }
    const files = trial.kind === "file" ? trial.oneOf : [...filesBelow(directory)].filter((file) => !trial.except.includes(file) && (trial.below === "" || file.startsWith(`${trial.below}/`)));
    const recorded = changes.files.find(({ name }) => files.includes(name));
    if (recorded !== undefined) return { change: { kind: "file", path: recorded.name }, basis: { recorded: recorded.builds, builds: changes.builds } };
    const likely = trial.kind === "file" ? files : files.filter((file) => trial.below === ".git" || trial.below === "node_modules" || (!FOREIGN.has(file.split("/")[0]!) && !/^(?:\.|[^/]*Dockerfile)/i.test(file)));
    const youngest = likely.toSorted((a, b) => lstatSync(path.join(directory, b)).mtimeMs - lstatSync(path.join(directory, a)).mtimeMs)[0];
    return youngest === undefined ? undefined : { change: { kind: "file", path: youngest }, basis: { recorded: 0, builds: changes.builds } };
  }
}

/** How often a variant is measured at most. */
const TURNS = 3;

function faster(a: Measured, b: Measured): Measured {
  return a.seconds <= b.seconds ? a : b;
}

const NOTHING = { differences: [], dropped: [], unsteady: [] } as const;

function figuresOf({ seconds, bytes }: Measured): Pick<Measured, "seconds" | "bytes"> {
  return { seconds, bytes };
}
