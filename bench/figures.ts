import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Builder } from "./builders.ts";
import type { Measurement } from "./measure.ts";
import { ROWS, type Row } from "./rows.ts";

/** row → builder → what each run measured. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, readonly Measurement[]>>;

/** All that there are, peers first. */
export const BUILDERS: readonly string[] = ["docker", "buildah", "laminate", "laminate (user)"];

/** What was measured of each row, which a file can hold between two runs. */
export class Figures {
  readonly results = new Map<string, Map<string, Measurement[]>>();

  /** From a file that {@link write} wrote, if it is there. */
  static read(file: string): Figures {
    const figures = new Figures();
    const { rows = [] } = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { readonly rows?: readonly { readonly id: string; readonly builders: Readonly<Record<string, Measurement[]>> }[] }) : {};
    for (const { id, builders } of rows) figures.results.set(id, new Map(Object.entries(builders)));
    return figures;
  }

  write(file: string, about: object): void {
    const rows = ROWS.filter(({ id }) => this.results.has(id)).map((row) => ({ ...row, builders: Object.fromEntries(this.results.get(row.id)!) }));
    writeFileSync(file, `${JSON.stringify({ ...about, rows }, null, 1)}\n`);
  }

  add(row: string, { name }: Pick<Builder, "name">, measurement: Measurement): void {
    this.results.getOrInsertComputed(row, () => new Map<string, Measurement[]>()).getOrInsertComputed(name, () => []).push(measurement);
  }

  /** Adds all of other figures. */
  take(other: Figures): void {
    for (const [row, builders] of other.results) for (const [name, measurements] of builders) for (const one of measurements) this.add(row, { name }, one);
  }

  /** The names of those that anything was measured of, peers first. */
  builders(): readonly string[] {
    return BUILDERS.filter((name) => [...this.results.values()].some((row) => row.has(name)));
  }

  /** How many rounds of a case are here; its rows' names begin with its own. */
  rounds(name: string, builder: string): number {
    return Math.min(...rowsOf(name).map((id) => this.results.get(id)?.get(builder)?.length ?? 0));
  }

  /** What the rows of a case add up to, seconds; 0 where there is no round of it. */
  perRound(name: string, builder: string): number {
    const measured = rowsOf(name).map((id) => this.results.get(id)?.get(builder) ?? []).filter(({ length }) => length > 0);
    return measured.reduce((sum, all) => sum + median(all.map(({ seconds }) => seconds)), 0);
  }

  /** "the median of 3", and of which cases there are fewer rounds. */
  roundsText(most: number): string {
    const fewer = [...new Set(ROWS.map(caseOf))].flatMap((name) => {
      const counts = this.builders().map((builder) => ({ builder, rounds: this.rounds(name, builder) })).filter(({ rounds }) => rounds > 0);
      const [first] = counts;
      if (first !== undefined && counts.every(({ rounds }) => rounds === first.rounds)) return first.rounds < most ? [`${name}: ${first.rounds}`] : [];
      return counts.filter(({ rounds }) => rounds < most).map(({ builder, rounds }) => `${name} with ${builder}: ${rounds}`);
    });
    return `the median of ${most}${fewer.length === 0 ? "" : ` (${fewer.join("; ")})`}`;
  }

  /** Forgets what some builders took for a case. */
  forget(name: string, builders: readonly string[]): void {
    for (const id of rowsOf(name)) {
      const row = this.results.get(id);
      for (const builder of builders) row?.delete(builder);
      if (row?.size === 0) this.results.delete(id);
    }
  }
}

function caseOf({ id }: Row): string {
  return id.split(" ", 1)[0]!;
}

function rowsOf(name: string): readonly string[] {
  return ROWS.filter((row) => caseOf(row) === name).map(({ id }) => id);
}

/** The middle one; of an even number the mean of the middle two; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
