/** BuildKit's search for the word that was meant: fewer than three edits away, the first of the nearest. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of candidates) {
    const distance = Math.abs(candidate.length - word.length) < least ? edits(word, candidate) : 3;
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      line.push(Math.min(above[column]! + 1, line[column - 1]! + 1, above[column - 1]! + cost));
    }
    above = line;
  }
  return above[b.length]!;
}
