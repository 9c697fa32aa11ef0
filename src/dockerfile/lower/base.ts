import { Failure, reasonOf } from "../../base/failure.ts";
import { nearest } from "../../base/nearest.ts";
import { parsePlatform, type Platform } from "../../oci/platform.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import { InvalidReference, parseReference } from "../../oci/reference.ts";
import type { SourceErrorOptions } from "../../diagnostics/source-error.ts";
import { expandWord } from "../expand/expand.ts";
import type { Dockerfile, FromInstruction, Stage } from "../parse/instruction.ts";
import { errorAt, rangeOf, valueOf, type Flag, type Statement, type Word } from "../parse/statement.ts";
import type { ResolveBase } from "./result.ts";
import { expanding } from "./stage-state.ts";
import { laterStage, namesOf } from "./stages.ts";
import { whyBlank, type Arguments } from "./why-blank.ts";

/** What FROM names, its variables replaced. */
export function baseReference(dockerfile: Dockerfile, from: FromInstruction, args: Arguments): string {
  const { statement, base } = from;
  const reference = expanding(statement, base, () =>
    expandWord(base.text, args.lookup, { escape: statement.escape }),
  );
  if (reference === "") {
    const problem = `base name (${base.text}) should not be blank`;
    throw errorAt(statement, base, "bad-base", problem, whyBlank(dockerfile, statement, base, args));
  }
  return reference;
}

/** The platform of a FROM: its own, or the build's. */
export function basePlatform(
  dockerfile: Dockerfile,
  { statement, platform: flag }: FromInstruction,
  args: Arguments,
  fallback: Platform,
): Platform {
  if (flag === undefined) {
    return fallback;
  }
  const value = valueOf(statement, flag);
  const text = expanding(statement, value, () =>
    expandWord(value.text, args.lookup, { escape: statement.escape }),
  );
  if (text === "") {
    const problem = `the platform ${value.text} comes to nothing`;
    throw errorAt(statement, value, "bad-argument", problem, whyBlank(dockerfile, statement, value, args));
  }
  const platform = parsePlatform(text);
  if (platform === undefined) {
    const near = nearest(text, ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386"]);
    throw errorAt(statement, value, "bad-argument", `${JSON.stringify(text)} is not a platform`, {
      hint:
        near === undefined
          ? "as in linux/amd64, linux/arm64 or linux/arm/v7"
          : `did you mean ${near}?`,
    });
  }
  return platform;
}

/** The config of FROM scratch: nothing but a working directory (a stage adds the search path), as BuildKit has it. */
export function emptyImage(platform: Platform): ImageConfig {
  return {
    architecture: platform.architecture,
    os: platform.os,
    config: { WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [] },
  };
}

/** Refuses a name that no image can have. */
export function checkReference(
  statement: Statement,
  at: Word | Flag,
  reference: string,
  why: SourceErrorOptions = {},
): void {
  try {
    parseReference(reference);
  } catch (error) {
    throw error instanceof InvalidReference
      ? errorAt(statement, at, "bad-base", error.message, { ...why, cause: error })
      : error;
  }
}

/** What a FROM asks the world for. */
interface WantedImage {
  readonly dockerfile: Dockerfile;
  readonly stage: Stage;
  readonly reference: string;
  readonly platform: Platform;
  /** The named context that stands for the image, if one does. */
  readonly context: string | undefined;
  /** The names of all contexts, for messages. */
  readonly contexts: readonly string[];
}

/** Asks for the base's config; a failure is told at the FROM, with the stage or context that may have been meant. */
export async function resolveImage(resolve: ResolveBase, wanted: WantedImage): Promise<ImageConfig> {
  try {
    return await resolve(wanted.reference, wanted.platform);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") {
      throw error;
    }
    throw unresolved(error, wanted);
  }
}

function unresolved(error: unknown, { dockerfile, stage, reference, context, contexts }: WantedImage): Error {
  const { statement, base } = stage.from;
  const later = context === undefined ? laterStage(dockerfile, reference, stage.index) : undefined;
  if (later !== undefined) {
    const related = {
      range: rangeOf(later.from.statement),
      message: `stage ${JSON.stringify(reference)} is defined here`,
    };
    return errorAt(
      statement,
      base,
      "stage-order",
      `stage ${JSON.stringify(reference)} is used before it is defined (and no such image is there: ${reasonOf(error)})`,
      { cause: error, related },
    );
  }
  const what = context === undefined ? `base image ${JSON.stringify(reference)}` : `build context ${JSON.stringify(context)}`;
  const near = context === undefined ? nearestSource(reference, namesOf(dockerfile.stages.slice(0, stage.index)), contexts) : undefined;
  const hint = near ?? (error instanceof Failure ? error.hint : undefined);
  return errorAt(statement, base, "bad-base", `cannot use the ${what}: ${reasonOf(error)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The stage or named context that may have been meant by a name that no image has. */
export function nearestSource(written: string, stages: readonly string[], contexts: readonly string[]): string | undefined {
  const near = nearest(written, [...stages, ...contexts]);
  if (near === undefined) return undefined;
  return `did you mean the ${stages.includes(near) ? "stage" : "build context"} ${JSON.stringify(near)}?`;
}
