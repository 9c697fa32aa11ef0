import { baseStage, targetStage } from "../lower/stages.ts";
import type { Dockerfile, Stage } from "../parse/instruction.ts";
import { checkOptions, isWanted, type CheckOptions } from "./check-options.ts";
import type { Finding } from "./finding.ts";
import { globalsOf } from "./globals.ts";
import type { Rule } from "./rule.ts";
import { RULES } from "./rules.ts";
import type { Subject } from "./subject.ts";
import type { Surroundings } from "./surroundings.ts";
import { referenceOf } from "./walk.ts";

/** A finding and the rule that found it. */
export interface Checked extends Finding {
  readonly rule: Rule;
}

export interface CheckResult {
  /** In the order of their lines. */
  readonly findings: readonly Checked[];
  readonly options: CheckOptions;
}

/** Runs the rules that a Dockerfile does not skip. Throws what {@link checkOptions} throws, and DockerfileError for a target that is not there. */
export function checkDockerfile(dockerfile: Dockerfile, around: Surroundings): CheckResult {
  const options = checkOptions(dockerfile, around.buildArgs);
  const subject = subjectOf(dockerfile, around);
  const findings = RULES.filter((rule) => isWanted(rule, options)).flatMap((rule) =>
    [...rule.check(subject)].map((finding): Checked => ({ ...finding, rule })),
  );
  return { findings: findings.sort((a, b) => a.lines.first - b.lines.first), options };
}

/** What rules look at. Throws DockerfileError for a target that is not there. */
export function subjectOf(dockerfile: Dockerfile, around: Surroundings): Subject {
  const globals = globalsOf(dockerfile, around, around.buildArgs);
  const all: Subject = { ...around, dockerfile, globals, stages: dockerfile.stages };
  return { ...all, stages: wantedStages(all) };
}

/** The stages that no other needs: whoever builds these builds all. */
export function lastStages(dockerfile: Dockerfile, around: Surroundings): readonly Stage[] {
  const subject = subjectOf(dockerfile, around);
  const needed = new Set(dockerfile.stages.flatMap((stage) => needs(subject, stage)));
  return dockerfile.stages.filter((stage) => !needed.has(stage));
}

/** The names of the rules that found something, each once. */
export function rulesOf(findings: readonly Checked[]): string[] {
  return [...new Set(findings.map(({ rule }) => rule.name))].sort();
}

/** The stages that a target needs; all of them when there is no target, except in a build. */
function wantedStages(subject: Subject): readonly Stage[] {
  const { dockerfile, target, onlyNeeded } = subject;
  if ((target === undefined || target === "") && onlyNeeded !== true) {
    return dockerfile.stages;
  }
  const wanted = new Set<Stage>();
  const open = [targetStage(dockerfile, target)];
  for (let stage = open.pop(); stage !== undefined; stage = open.pop()) {
    if (!wanted.has(stage)) {
      wanted.add(stage);
      open.push(...needs(subject, stage));
    }
  }
  return dockerfile.stages.filter((stage) => wanted.has(stage));
}

/** Stages that one starts from, copies from or mounts. */
function needs(subject: Subject, stage: Stage): Stage[] {
  const { dockerfile } = subject;
  const base = baseStage(dockerfile, referenceOf(subject, stage.from), stage.index);
  const names = stage.instructions.flatMap((instruction) => {
    if (instruction.kind === "RUN") {
      const fields = instruction.mounts.flatMap((mount) => mount.fields);
      return fields.flatMap(({ key, value }) => (key === "from" ? (value ?? []) : []));
    }
    return instruction.kind === "COPY" ? (instruction.from?.value ?? []) : [];
  });
  const used = names.flatMap((name) => {
    const numbered = /^\d+$/.test(name) ? dockerfile.stages[Number(name)] : undefined;
    const earlier = numbered !== undefined && numbered.index < stage.index ? numbered : [];
    return baseStage(dockerfile, name, stage.index) ?? earlier;
  });
  return base === undefined ? used : [base, ...used];
}
