import { reasonOf } from "../base/failure.ts";
import { DockerfileError } from "../dockerfile/dockerfile-error.ts";
import { emptyImage } from "../dockerfile/lower/base.ts";
import { lower } from "../dockerfile/lower/lower.ts";
import type { Dockerfile } from "../dockerfile/parse/instruction.ts";
import { type Outline, outlineOf } from "../dockerfile/outline.ts";
import { parseDockerfile } from "../dockerfile/parse/parse.ts";
import { CheckOptionError, checkOptions } from "../dockerfile/rules/check-options.ts";
import { checkDockerfile, type Checked, lastStages, rulesOf, subjectOf } from "../dockerfile/rules/check.ts";
import type { IgnoreRules } from "../dockerfile/ignore.ts";
import { mend } from "../dockerfile/rules/mend.ts";
import type { Surroundings } from "../dockerfile/rules/surroundings.ts";
import { basesOf } from "../dockerfile/rules/walk.ts";
import { type Related, SourceError } from "../diagnostics/source-error.ts";
import { type Range, SourceText } from "../diagnostics/source-text.ts";
import type { ContainerConfig, ImageConfig } from "../oci/image-config.ts";
import { goArchitecture, type Platform } from "../oci/platform.ts";
import { canonicalReference, InvalidReference, parseReference } from "../oci/reference.ts";
import { BuildFailure } from "./build-failure.ts";
import type { Laminate } from "./laminate.ts";
import { platformOf } from "./platform-of.ts";

/** A Dockerfile to check. */
export interface CheckInput {
  readonly text: string;
  /** As the user knows it. */
  readonly name: string;
  readonly ignore?: IgnoreRules;
}

export interface CheckSettings {
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
}

export interface CheckReport {
  readonly source: SourceText;
  readonly text: string;
  readonly findings: readonly Checked[];
  /** Why it cannot be built, or may not be: a mistake in it, or findings where `error=true` is set. */
  readonly error?: { readonly message: string; readonly problem: string; readonly hint?: string; readonly line?: number; readonly endLine?: number; readonly column?: number; readonly range?: Range; readonly related?: Related };
}

/** Runs the build checks of Docker over a Dockerfile, and looks whether it could be built. Downloads nothing: a base image that is not in the store is not known. */
export async function check(laminate: Laminate | undefined, input: CheckInput, settings: CheckSettings): Promise<CheckReport> {
  const source = new SourceText(input.name, input.text);
  let findings: readonly Checked[] = [];
  try {
    const dockerfile = parseDockerfile(input.text, input.name);
    const known = await surroundings(laminate, dockerfile, input, settings);
    const result = checkDockerfile(dockerfile, known);
    ({ findings } = result);
    await findMistakes(dockerfile, input, known);
    const fails = result.options.error && findings.length > 0;
    const problem = `lint violation found for rules: ${rulesOf(findings).join(", ")}`;
    return { source, text: input.text, findings, ...(fails ? { error: { message: problem, problem } } : {}) };
  } catch (error) {
    return { source, text: input.text, findings, error: described(error) };
  }
}

/** The text with all safe fixes made, and what they mended. Throws DockerfileError where there is a mistake. */
export async function fix(laminate: Laminate | undefined, input: CheckInput, settings: CheckSettings): Promise<{ readonly text: string; readonly mended: readonly Checked[] }> {
  const dockerfile = parseDockerfile(input.text, input.name);
  checkOptions(dockerfile, settings.buildArgs);
  return mend(input.text, input.name, await surroundings(laminate, dockerfile, input, settings));
}

/** What a build of the target takes from outside. Throws DockerfileError. */
export async function outline(laminate: Laminate | undefined, input: CheckInput, settings: CheckSettings): Promise<Outline> {
  const dockerfile = parseDockerfile(input.text, input.name);
  const known = await surroundings(laminate, dockerfile, input, settings);
  return outlineOf(subjectOf(dockerfile, { ...known, onlyNeeded: true }));
}

async function surroundings(laminate: Laminate | undefined, dockerfile: Dockerfile, { ignore }: CheckInput, settings: CheckSettings): Promise<Surroundings> {
  const { buildArgs, target } = settings;
  const machine: Platform = { os: "linux", architecture: goArchitecture(process.arch) };
  const platform = settings.platform === undefined ? machine : platformOf(settings.platform, machine);
  const around: Surroundings = {
    buildArgs,
    platform,
    buildPlatform: machine,
    baseConfig: () => undefined,
    ...(target === undefined ? {} : { target }),
    ...(ignore === undefined ? {} : { ignore }),
  };
  const configs = new Map<string, ContainerConfig>();
  for (const reference of laminate === undefined ? [] : basesOf(dockerfile, around)) {
    const config = await localConfig(laminate!, reference);
    if (config !== undefined) configs.set(reference, config);
  }
  return { ...around, baseConfig: (reference) => configs.get(reference) };
}

async function localConfig({ store }: Laminate, reference: string): Promise<ContainerConfig | undefined> {
  try {
    const record = store.images.get(canonicalReference(parseReference(reference)));
    return record === undefined ? undefined : ((await store.images.config(record)).config ?? {});
  } catch (error) {
    if (error instanceof InvalidReference) return undefined;
    throw error;
  }
}

/** Mistakes that do not depend on what a base image says. */
const SURE = new Set(["unknown-stage", "stage-order", "unknown-flag", "unsupported", "syntax"]);

/** Lowers what would be built, all stages without a target; throws what is wrong with it. */
async function findMistakes(dockerfile: Dockerfile, { text, name }: CheckInput, around: Surroundings): Promise<void> {
  const { buildArgs, platform, target } = around;
  const targets = target === undefined || target === "" ? lastStages(dockerfile, around).map(({ index }) => `${index}`) : [target];
  for (const one of targets) {
    let allKnown = true;
    const resolveBase = (reference: string, wanted: Platform): Promise<ImageConfig> => {
      const config = around.baseConfig(reference, wanted);
      allKnown &&= config !== undefined;
      return Promise.resolve({ ...emptyImage(wanted), ...(config === undefined ? {} : { config }) });
    };
    try {
      await lower({ dockerfile: text, file: name, buildArgs, target: one, platform, labels: {}, resolveBase });
    } catch (error) {
      if (allKnown || !(error instanceof DockerfileError) || SURE.has(error.code)) throw error;
    }
  }
}

function described(error: unknown): NonNullable<CheckReport["error"]> {
  if (error instanceof SourceError) {
    const { message, problem, hint, range, related } = error;
    const place = { line: range.start.line, endLine: range.end.line, column: range.start.column, range, ...(related === undefined ? {} : { related }) };
    return { message, problem, ...place, ...(hint === undefined ? {} : { hint }) };
  }
  if (error instanceof CheckOptionError || error instanceof BuildFailure) {
    return { message: reasonOf(error), problem: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
  throw error;
}
