const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes as docker writes them: decimal units, `digits` significant digits (`12.3MB`, `804kB`). */
export function humanSize(bytes: number, digits = 3): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${significant(value, digits)}${UNITS[unit]}`;
}

/** Go's %.Ng: N significant digits, no trailing zeros, never an exponent for what we print. */
function significant(value: number, digits: number): string {
  const rounded = Number(value.toPrecision(digits));
  return `${rounded}`;
}
