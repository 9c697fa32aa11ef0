import { Failure, reasonOf } from "../../base/failure.ts";
import { nearest } from "../../base/nearest.ts";
import { parsePlatform, type Platform } from "../../oci/platform.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import { InvalidReference, parseReference } from "../../oci/reference.ts";
import { expandWord, type Lookup } from "../expand/expand.ts";
import type { Dockerfile, FromInstruction, Stage } from "../parse/instruction.ts";
import { errorAt, rangeOf, type Flag, type Statement, type Word } from "../parse/statement.ts";
import type { ResolveBase } from "./result.ts";
import { expanding } from "./stage-state.ts";
import { laterStage, namesOf } from "./stages.ts";

const ARGUMENT_HINT =
  "an ARG for FROM stands before the first FROM, and needs a default or a --build-arg";

/** What FROM names, its variables replaced. */
export function baseReference(from: FromInstruction, lookup: Lookup): string {
  const { statement, base } = from;
  const reference = expanding(statement, base, () =>
    expandWord(base.text, lookup, { escape: statement.escape }),
  );
  if (reference === "") {
    throw errorAt(statement, base, "bad-base", `base name (${base.text}) should not be blank`, {
      hint: ARGUMENT_HINT,
    });
  }
  return reference;
}

/** The platform of a FROM: its own, or the build's. */
export function basePlatform(from: FromInstruction, lookup: Lookup, fallback: Platform): Platform {
  const { statement, platform: flag } = from;
  if (flag === undefined) {
    return fallback;
  }
  const text = expanding(statement, flag, () =>
    expandWord(flag.value!, lookup, { escape: statement.escape }),
  );
  const platform = parsePlatform(text);
  if (platform === undefined) {
    throw errorAt(statement, flag, "bad-argument", `${JSON.stringify(text)} is not a platform`, {
      hint: "as in linux/amd64, linux/arm64 or linux/arm/v7",
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
export function checkReference(statement: Statement, at: Word | Flag, reference: string): void {
  try {
    parseReference(reference);
  } catch (error) {
    throw error instanceof InvalidReference
      ? errorAt(statement, at, "bad-base", error.message, {
          cause: error,
          ...("text" in at && at.text.includes("$") ? { hint: ARGUMENT_HINT } : {}),
        })
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
