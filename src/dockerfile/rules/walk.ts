import { baseStage } from "../lower/stages.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import type { Dockerfile, FromInstruction, Stage, StageInstruction } from "../parse/instruction.ts";
import { parseTrigger } from "../parse/parse.ts";
import type { Statement } from "../parse/statement.ts";
import { parsePlatform, type Platform } from "../../oci/platform.ts";
import { globalsOf } from "./globals.ts";
import { expandNoting } from "./noted-expansion.ts";
import { imageScope, type Scope } from "./scope.ts";
import type { Subject } from "./subject.ts";
import type { Surroundings } from "./surroundings.ts";

/** An instruction as a build comes by it. */
export interface Visit {
  readonly stage: Stage;
  readonly instruction: StageInstruction;
  /** Before the instruction; it is another afterwards, so nothing keeps it. */
  readonly scope: Scope;
  /** The instruction was written in an ONBUILD (of another stage, or of an image) and runs at this FROM. */
  readonly trigger?: { readonly from: FromInstruction; readonly onbuild: Statement | undefined };
}

/** Goes through the instructions of the stages that count, with the variables that each sees. */
export function* walk(subject: Subject): Generator<Visit> {
  const ends = new Map<Stage, Scope>();
  const wanted = new Set(subject.stages);
  for (const stage of subject.dockerfile.stages) {
    const { scope, triggers } = startOf(subject, stage, ends);
    const own = stage.instructions.map((instruction) => ({ instruction, trigger: undefined }));
    const held = triggers.map(({ instruction, onbuild }) => ({
      instruction,
      trigger: { from: stage.from, onbuild },
    }));
    for (const { instruction, trigger } of [...held, ...own]) {
      if (wanted.has(stage)) {
        yield { stage, instruction, scope, ...(trigger === undefined ? {} : { trigger }) };
      }
      scope.apply(instruction, subject.buildArgs, subject.globals);
    }
    ends.set(stage, scope);
  }
}

interface Held {
  readonly instruction: StageInstruction;
  readonly onbuild: Statement | undefined;
}

function startOf(
  subject: Subject,
  stage: Stage,
  ends: ReadonlyMap<Stage, Scope>,
): { readonly scope: Scope; readonly triggers: readonly Held[] } {
  const reference = referenceOf(subject, stage.from);
  const base = baseStage(subject.dockerfile, reference, stage.index);
  if (base !== undefined) {
    const triggers = base.instructions.flatMap((one) =>
      one.kind === "ONBUILD" ? held(one.trigger, one.statement) : [],
    );
    return { scope: ends.get(base)!.continued(), triggers };
  }
  const config =
    reference === "scratch"
      ? {}
      : reference === ""
        ? undefined
        : subject.baseConfig(reference, platformOf(subject, stage.from));
  const triggers = (config?.OnBuild ?? []).flatMap((trigger) => held(trigger, undefined));
  return { scope: imageScope(config), triggers };
}

/** A trigger that is no instruction is an error of the build. */
function held(trigger: string, onbuild: Statement | undefined): readonly Held[] {
  try {
    return [{ instruction: parseTrigger(trigger, "ONBUILD"), onbuild }];
  } catch (error) {
    if (error instanceof DockerfileError) {
      return [];
    }
    throw error;
  }
}

/** What a FROM names, its variables replaced; empty where that cannot be done. */
export function referenceOf({ globals }: Subject, { base, statement }: FromInstruction): string {
  return expandNoting(base.text, (name) => globals.values.get(name), statement.escape).text ?? "";
}

function platformOf({ globals, platform }: Subject, from: FromInstruction): Platform {
  const written = from.platform?.value ?? "";
  const lookup = (name: string): string | undefined => globals.values.get(name);
  return parsePlatform(expandNoting(written, lookup, from.statement.escape).text ?? "") ?? platform;
}

/** The images that the stages of a Dockerfile start from, as far as that can be told. */
export function basesOf(dockerfile: Dockerfile, around: Surroundings): ReadonlySet<string> {
  const globals = globalsOf(dockerfile, around, around.buildArgs);
  const subject = { ...around, dockerfile, globals, stages: dockerfile.stages };
  const references = dockerfile.stages.flatMap(({ from, index }) => {
    const reference = referenceOf(subject, from);
    const isStage = baseStage(dockerfile, reference, index) !== undefined;
    return isStage || reference === "" || reference === "scratch" ? [] : [reference];
  });
  return new Set(references);
}
