import { ArchiveError } from "./archive-error.ts";

const SECOND = 1_000_000_000n;

/** A number field: octal digits, or two's complement in base 256 when the first bit is set (GNU tar manual, "Basic Tar Format"). */
export function readNumber(field: Buffer, what: string): number {
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) return readBase256(field, what);
  let value = 0;
  let digits = 0;
  for (const byte of field) {
    if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + (byte - 0x30);
      digits += 1;
    } else if (byte === 0 || byte === 0x20) {
      if (digits > 0) break;
    } else {
      throw new ArchiveError("damaged", `the tar header's ${what} ${JSON.stringify(field.toString("latin1"))} is not an octal number`);
    }
  }
  return value;
}

function readBase256(field: Buffer, what: string): number {
  const negative = (field[0]! & 0x40) !== 0;
  let value = BigInt(field[0]! & 0x3f) - (negative ? 0x40n : 0n);
  for (const byte of field.subarray(1)) {
    value = value * 256n + BigInt(byte);
  }
  return safe(value, what);
}

/** A decimal number of a PAX record. */
export function readDecimal(text: string, what: string): number {
  if (!/^-?[0-9]{1,20}$/.test(text)) {
    throw new ArchiveError("damaged", `the PAX record ${what}=${JSON.stringify(text)} is not a whole number`);
  }
  return safe(BigInt(text), what);
}

function safe(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new ArchiveError("too-large", `the tar member's ${what} ${value} is beyond what any file can have`);
  }
  return number;
}

/** A time of a PAX record (seconds with any number of decimals) in nanoseconds; finer digits are cut towards the past. */
export function readPaxTime(text: string, what: string): bigint {
  const found = /^(-?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(text);
  if (found === null) {
    throw new ArchiveError("damaged", `the PAX record ${what}=${JSON.stringify(text)} is not a time`);
  }
  const fraction = found[3] ?? "";
  const size = BigInt(found[2]!) * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  const finer = /[1-9]/.test(fraction.slice(9)) ? 1n : 0n;
  return found[1] === "-" ? -(size + finer) : size;
}

/** Nanoseconds as the seconds of a PAX record, without needless zeros. */
export function writePaxTime(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (size % SECOND).toString().padStart(9, "0").replace(/0+$/, "");
  return `${nanoseconds < 0n ? "-" : ""}${size / SECOND}${fraction === "" ? "" : `.${fraction}`}`;
}
