const AROUND = 3;
/** How far a line is looked for that both texts have: fixes change lines in place, or take a few out. */
const REACH = 24;

interface Change {
  readonly kind: " " | "-" | "+";
  readonly text: string;
  /** Lines of either text before it. */
  readonly old: number;
  readonly new: number;
}

/** How one text becomes another, as `diff -u` writes it; empty when they are the same. */
export function unifiedDiff(before: string, after: string, name: string): string {
  const changes = compare(lines(before), lines(after));
  const hunks = group(changes);
  return hunks.length === 0 ? "" : `--- ${name}\n+++ ${name}\n${hunks.map(print).join("")}`;
}

function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function compare(before: readonly string[], after: readonly string[]): Change[] {
  const changes: Change[] = [];
  let [a, b] = [0, 0];
  while (a < before.length || b < after.length) {
    const [skipA, skipB] = nextSame(before, after, a, b);
    for (const text of before.slice(a, a + skipA)) changes.push({ kind: "-", text, old: a++, new: b });
    for (const text of after.slice(b, b + skipB)) changes.push({ kind: "+", text, old: a, new: b++ });
    if (skipA === 0 && skipB === 0) changes.push({ kind: " ", text: before[a]!, old: a++, new: b++ });
  }
  return changes;
}

/** How many lines of each to leave behind until both go on alike. */
function nextSame(before: readonly string[], after: readonly string[], a: number, b: number): readonly [number, number] {
  for (let far = 0; far <= REACH; far += 1) {
    for (let skipA = 0; skipA <= far; skipA += 1) {
      const [x, y] = [a + skipA, b + far - skipA];
      if (x <= before.length && y <= after.length && before[x] === after[y]) return [skipA, far - skipA];
    }
  }
  return [a < before.length ? 1 : 0, b < after.length ? 1 : 0];
}

/** Changes with the lines around them; those that are near one another together. */
function group(changes: readonly Change[]): Change[][] {
  const hunks: Change[][] = [];
  let end = -1;
  for (const [place, change] of changes.entries()) {
    if (change.kind === " ") continue;
    const start = Math.max(end + 1, place - AROUND);
    const stop = Math.min(changes.length - 1, place + AROUND);
    const last = hunks.at(-1);
    if (last === undefined || place - AROUND > end + 1) hunks.push(changes.slice(start, stop + 1));
    else last.push(...changes.slice(start, stop + 1));
    end = stop;
  }
  return hunks;
}

function print(hunk: readonly Change[]): string {
  const first = hunk[0]!;
  const side = (start: number, other: Change["kind"]): string => {
    const count = hunk.filter(({ kind }) => kind !== other).length;
    return `${count === 0 ? start : start + 1},${count}`;
  };
  const rows = hunk.map(({ kind, text }) => (text.endsWith("\n") ? `${kind}${text}` : `${kind}${text}\n\\ No newline at end of file\n`));
  return `@@ -${side(first.old, "+")} +${side(first.new, "-")} @@\n${rows.join("")}`;
}
