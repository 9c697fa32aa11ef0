/** Whose bits a change of a mode is about. */
export type ModeClass = "u" | "g" | "o";

/** One clause of a symbolic mode: `go-w`, `a+X`, `o=g` (chmod(1), POSIX). */
export interface ModeChange {
  readonly who: readonly ModeClass[];
  readonly operator: "+" | "-" | "=";
  /** Letters of `rwxXst`, or one of `ugo`: the bits that this class has. */
  readonly permissions: string;
}

const SHIFT: Readonly<Record<ModeClass, number>> = { u: 6, g: 3, o: 0 };
const SPECIAL: Readonly<Record<ModeClass, number>> = { u: 0o4000, g: 0o2000, o: 0 };

/** The permission bits that a file or directory has after the changes. */
export function changeMode(mode: number, directory: boolean, changes: readonly ModeChange[]): number {
  return changes.reduce((before, change) => applyChange(before, directory, change), mode);
}

function applyChange(mode: number, directory: boolean, { who, operator, permissions }: ModeChange): number {
  const bits = who.reduce((sum, one) => sum | bitsOf(mode, directory, one, permissions), 0) | (permissions.includes("t") ? 0o1000 : 0);
  if (operator === "+") return mode | bits;
  if (operator === "-") return mode & ~bits;
  const all = who.reduce((sum, one) => sum | (0o7 << SHIFT[one]) | (directory ? 0 : SPECIAL[one]), 0);
  return (mode & ~all) | bits;
}

function bitsOf(mode: number, directory: boolean, who: ModeClass, permissions: string): number {
  if (permissions === "u" || permissions === "g" || permissions === "o") {
    return ((mode >> SHIFT[permissions]) & 0o7) << SHIFT[who];
  }
  const executable = permissions.includes("x") || (permissions.includes("X") && (directory || (mode & 0o111) !== 0));
  const bits = (permissions.includes("r") ? 4 : 0) | (permissions.includes("w") ? 2 : 0) | (executable ? 1 : 0);
  return (bits << SHIFT[who]) | (permissions.includes("s") ? SPECIAL[who] : 0);
}
