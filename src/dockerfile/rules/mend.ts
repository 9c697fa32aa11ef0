import { SourceError } from "../../diagnostics/source-error.ts";
import type { Position } from "../../diagnostics/source-text.ts";
import type { Dockerfile } from "../parse/instruction.ts";
import { parseDockerfile } from "../parse/parse.ts";
import { checkDockerfile, type Checked } from "./check.ts";
import type { Edit } from "./finding.ts";
import { meaningOf } from "./meaning.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Mended {
  readonly text: string;
  /** The findings that were mended, as they were found. */
  readonly mended: readonly Checked[];
}

/** One fix can make room for another (FROM in capitals, then its AS); more rounds than this no text needs. */
const ROUNDS = 10;

/**
 * Applies the fixes of all findings, until none is left: mending what is mended changes nothing. A fix whose result
 * means something else, or is no Dockerfile, is left out unless changing the meaning is what it is for.
 */
export function mend(text: string, file: string, around: Surroundings): Mended {
  let current = text;
  const mended: Checked[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const dockerfile = parseDockerfile(current, file);
    const { findings } = checkDockerfile(dockerfile, around);
    const chosen = chooseFixes(current, dockerfile, findings);
    if (chosen.length === 0) {
      break;
    }
    current = applyEdits(
      current,
      chosen.flatMap(({ fix }) => fix!.edits),
    );
    mended.push(...chosen);
  }
  return { text: current, mended };
}

/** Fixes that are harmless and do not meet one another; the others have their turn in the next round. */
function chooseFixes(
  text: string,
  dockerfile: Dockerfile,
  findings: readonly Checked[],
): Checked[] {
  const free: Checked[] = [];
  const taken = new TakenPlaces();
  for (const finding of findings) {
    if (finding.fix !== undefined && taken.take(finding.fix.edits)) {
      free.push(finding);
    }
  }
  const changing = free.filter(({ fix }) => fix!.changesMeaning === true);
  const keeping = free.filter(({ fix }) => fix!.changesMeaning !== true);
  return [changing, keeping].flatMap((group) =>
    // Nearly always all are harmless, and one look is enough.
    isHarmless(text, dockerfile, group)
      ? group
      : group.filter((finding) => isHarmless(text, dockerfile, [finding])),
  );
}

/** Whether the fixes of findings leave what the Dockerfile means as it is, but for those whose purpose it is to change it. */
export function isHarmless(text: string, dockerfile: Dockerfile, findings: readonly Checked[]): boolean {
  try {
    const edits = findings.flatMap(({ fix }) => fix!.edits);
    const after = parseDockerfile(applyEdits(text, edits), dockerfile.source.name);
    const mayChange = findings.some(({ fix }) => fix!.changesMeaning === true);
    return mayChange || meaningOf(after) === meaningOf(dockerfile);
  } catch (error) {
    if (error instanceof SourceError) {
      return false;
    }
    throw error;
  }
}

/** The places that edits take; no two edits may touch. */
class TakenPlaces {
  readonly #byLine = new Map<number, Edit[]>();

  /** False, and nothing taken, when one of them meets one that is there. */
  take(edits: readonly Edit[]): boolean {
    const isFree = edits.every((edit) =>
      linesOf(edit).every((line) => !this.#byLine.get(line)?.some((other) => meet(edit, other))),
    );
    for (const edit of isFree ? edits : []) {
      for (const line of linesOf(edit)) {
        this.#byLine.set(line, [...(this.#byLine.get(line) ?? []), edit]);
      }
    }
    return isFree;
  }
}

function linesOf({ range: { start, end } }: Edit): number[] {
  return Array.from({ length: end.line - start.line + 1 }, (_, place) => start.line + place);
}

function meet(a: Edit, b: Edit): boolean {
  return before(a.range.start, b.range.end) && before(b.range.start, a.range.end);
}

function before(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.column <= b.column);
}

/** A text with edits made that do not overlap; line endings and a byte order mark stay as they are. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const starts = lineStarts(text);
  const at = ({ line, column }: Position): number =>
    Math.min(text.length, (starts[line - 1] ?? text.length) + column - 1);
  const sorted = edits.toSorted((a, b) => at(b.range.start) - at(a.range.start));
  return sorted.reduce(
    (result, { range, text: wanted }) =>
      result.slice(0, at(range.start)) + wanted + result.slice(at(range.end)),
    text,
  );
}

function lineStarts(text: string): number[] {
  const starts = [text.startsWith("\uFEFF") ? 1 : 0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}
