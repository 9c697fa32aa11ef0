import type { Proposal, Texts } from "../dockerfile/advice/proposal.ts";

/** What was changed between two builds of a trial. */
export type Change =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "argument"; readonly name: string; readonly from: string; readonly value: string };

/** Why that was taken: it changed in so many recorded builds; or nothing is recorded, and it is the youngest file or the only one. */
export interface Basis {
  readonly recorded: number;
  readonly builds: number;
}

/** A Dockerfile built, and built again after a change. */
export interface Measured {
  /** The images' IDs in the store of the trials. */
  readonly plain: string;
  readonly changed: string;
  /** What the second build took, seconds. */
  readonly seconds: number;
  /** Bytes of all layers of the first, uncompressed. */
  readonly bytes: number;
}

/** A path that two images do not have alike. */
export interface Difference {
  readonly kind: "added" | "changed" | "deleted";
  readonly path: string;
}

/** A proposal that was tried. */
export interface Advice {
  readonly kind: Proposal["kind"] | "all";
  readonly title: string;
  readonly line?: number;
  readonly change?: Change;
  readonly basis?: Basis;
  readonly before?: Pick<Measured, "seconds" | "bytes">;
  readonly after?: Pick<Measured, "seconds" | "bytes">;
  /** `saves`: the images hold the same but for `dropped` and `unsteady`, and it is faster or smaller. */
  readonly verdict: "saves" | "saves-nothing" | "differs" | "fails" | "not-tried";
  /** Why it was left out, or where it failed. */
  readonly reason?: string;
  /** Paths that differ, in the image before or after the change, and should not. */
  readonly differences: readonly Difference[];
  /** Paths that are meant to be gone. */
  readonly dropped: readonly string[];
  /** Paths that differ between two builds of the Dockerfile as it is, too. */
  readonly unsteady: readonly string[];
  readonly texts?: Texts;
}

/** What is taken for a saving: of the time a fifth, and more than a clock of a busy machine says by chance; of the bytes a hundredth. */
const LEAST = { ratio: 1.2, seconds: 0.15, share: 0.01, bytes: 10_000 } as const;
/** A ratio that no busy machine makes by chance: below it both are measured again, by turns. */
const SURE = 3;

export interface Trees {
  /** Between the images before the change, and between those after it. */
  readonly found: readonly Difference[];
  /** Between two builds of the Dockerfile as it is. */
  readonly noise: readonly Difference[];
}

/** Sorts differences into those that are meant, those that every build has, and those that count. */
export function sortDifferences({ found, noise }: Trees, drops: readonly string[]): Pick<Advice, "differences" | "dropped" | "unsteady"> {
  const distinct = [...new Map(found.map((one) => [one.path, one])).values()];
  const isMeant = ({ kind, path }: Difference): boolean => kind === "deleted" && drops.some((drop) => (drop.startsWith("/") ? path === drop || path.startsWith(`${drop}/`) : `${path}/`.includes(`/${drop}/`)));
  const dropped = distinct.filter(isMeant);
  const others = distinct.filter((one) => !isMeant(one));
  const isNoise = noiseOf(noise);
  const [unsteady, differences] = [others.filter(isNoise), others.filter((one) => !isNoise(one))];
  return { differences, dropped: dropped.map(({ path }) => path), unsteady: unsteady.map(({ path }) => path) };
}

/** The same path, or for what is named anew in each build (a log with its time) another one in its directory. */
function noiseOf(noise: readonly Difference[]): (found: Difference) => boolean {
  const paths = new Set(noise.map(({ path }) => path));
  const directories = new Set(noise.filter(({ kind }) => kind !== "changed").map(({ path }) => directoryOf(path)));
  return ({ kind, path }) => paths.has(path) || (kind !== "changed" && directories.has(directoryOf(path)));
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Whether what was measured may be chance, and not what it seems. */
export function isUnsure(before: Pick<Measured, "seconds">, after: Pick<Measured, "seconds">): boolean {
  return Math.abs(before.seconds - after.seconds) >= LEAST.seconds && before.seconds < after.seconds * SURE;
}

/** Whether it is faster or smaller by more than chance. */
export function saves(before: Pick<Measured, "seconds" | "bytes">, after: Pick<Measured, "seconds" | "bytes">): boolean {
  const faster = before.seconds - after.seconds >= LEAST.seconds && before.seconds >= after.seconds * LEAST.ratio;
  const slower = after.seconds - before.seconds >= LEAST.seconds && after.seconds >= before.seconds * LEAST.ratio;
  const smaller = before.bytes - after.bytes >= Math.max(LEAST.bytes, before.bytes * LEAST.share);
  return faster || (smaller && !slower);
}
