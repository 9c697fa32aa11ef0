import { nearest } from "../../base/nearest.ts";
import type { SourceErrorOptions } from "../../diagnostics/source-error.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import type { Dockerfile, FromInstruction, Stage } from "../parse/instruction.ts";
import { errorAt, rangeOf, type Flag, type Statement } from "../parse/statement.ts";

/** The stage to build: `--target` by name or number, else the last one. */
export function targetStage(dockerfile: Dockerfile, target: string | undefined): Stage {
  const { stages } = dockerfile;
  if (target === undefined || target === "") {
    return stages.at(-1)!;
  }
  const found =
    stages.findLast((stage) => stage.name === target.toLowerCase()) ??
    (/^\d+$/.test(target) ? stages[Number(target)] : undefined);
  if (found === undefined) {
    const names = namesOf(stages);
    const near = nearest(target, names);
    const hint =
      near !== undefined
        ? `did you mean ${JSON.stringify(near)}?`
        : names.length > 0
          ? `the stages are ${names.join(", ")}`
          : "no stage has a name";
    throw new DockerfileError(
      "unknown-stage",
      dockerfile.source,
      rangeOf((stages.find(({ name }) => name === near) ?? stages.at(-1)!).from.statement),
      `target stage ${JSON.stringify(target)} could not be found`,
      { hint },
    );
  }
  return found;
}

/**
 * As BuildKit a FROM in other case than lower case is refused, as no image has such a name, though a `--from` of it
 * would do. Throws DockerfileError.
 */
export function refuseCase({ statement, base }: FromInstruction, stage: Stage, reference: string): void {
  if (reference === reference.toLowerCase()) return;
  throw errorAt(statement, base, "bad-base", `FROM ${JSON.stringify(reference)}: names of images and stages are in lower case`, {
    hint: `did you mean FROM ${stage.name}?`,
    related: { range: rangeOf(stage.from.statement), message: "the stage is defined here" },
  });
}

/** The earlier stage that a FROM names; otherwise it names an image. */
export function baseStage(
  dockerfile: Dockerfile,
  reference: string,
  before: number,
): Stage | undefined {
  return named(dockerfile.stages, reference).findLast((stage) => stage.index < before);
}

const BY_NAME = new WeakMap<readonly Stage[], ReadonlyMap<string, readonly Stage[]>>();

/** The stages of a name, in their order; looked up once for all of them, as each may ask. */
function named(stages: readonly Stage[], name: string): readonly Stage[] {
  const known = BY_NAME.get(stages) ?? Map.groupBy(stages, (stage) => stage.name ?? "");
  BY_NAME.set(stages, known);
  return name === "" ? [] : (known.get(name.toLowerCase()) ?? []);
}

/** The earlier stage that a COPY --from names, by name or number, or the `from` of a mount, by name; undefined when it names an image. */
export function sourceStage(
  dockerfile: Dockerfile,
  statement: Statement,
  flag: Flag,
  current: Stage,
): Stage | undefined {
  const name = flag.value!.toLowerCase();
  const { stages } = dockerfile;
  const isNumber = flag.name !== "mount" && /^\d+$/.test(name);
  const anywhere =
    baseStage(dockerfile, name, current.index) ??
    named(stages, name)[0] ??
    (isNumber ? stages[Number(name)] : undefined);
  if (anywhere === undefined && isNumber) {
    throw errorAt(
      statement,
      flag,
      "unknown-stage",
      `there is no stage ${name}: the Dockerfile has ${stages.length}, counted from 0`,
    );
  }
  if (anywhere !== undefined && anywhere.index >= current.index) {
    throw misplaced(dockerfile, statement, flag, anywhere, current);
  }
  return anywhere;
}

function misplaced(
  dockerfile: Dockerfile,
  statement: Statement,
  flag: Flag,
  stage: Stage,
  current: Stage,
): Error {
  const verb = flag.name === "mount" ? "mount" : "copy";
  if (stage === current) {
    return errorAt(
      statement,
      flag,
      "stage-order",
      `stage ${JSON.stringify(flag.value)} cannot ${verb} from itself`,
      placeOf(dockerfile, statement, stage, "it begins here"),
    );
  }
  return errorAt(
    statement,
    flag,
    "stage-order",
    `cannot ${verb} from stage ${JSON.stringify(flag.value)}, it needs to be defined before this stage`,
    placeOf(dockerfile, statement, stage, "it is defined here"),
  );
}

/** Where a stage begins, as a second place; nothing for a statement that is not of the Dockerfile. */
function placeOf(
  { source }: Dockerfile,
  statement: Statement,
  { from }: Stage,
  message: string,
): SourceErrorOptions {
  return statement.source === source ? { related: { range: rangeOf(from.statement), message } } : {};
}

/** Stages after `index` of this name: a reason why an image of the name is not found. */
export function laterStage(
  dockerfile: Dockerfile,
  reference: string,
  index: number,
): Stage | undefined {
  return dockerfile.stages.find(
    (stage) => stage.index > index && stage.name === reference.toLowerCase(),
  );
}

/** The names of stages, for messages. */
export function namesOf(stages: readonly Stage[]): string[] {
  return [...new Set(stages.flatMap((stage) => stage.name ?? []))];
}
