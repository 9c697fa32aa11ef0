import { ArchiveError } from "./archive-error.ts";

const ASCII = /^[\x20-\x7e]*$/;

/** PAX records by keyword; values are byte strings. In the order of the archive, as GNU's sparse 0.0 repeats keywords. */
export type PaxRecords = readonly (readonly [keyword: string, value: string])[];

/** Reads the body of an extended header: `length keyword=value\n` (POSIX.1-2001, pax, "pax Extended Header"). */
export function readPaxRecords(body: Buffer): PaxRecords {
  const records: [string, string][] = [];
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 ? "" : body.toString("latin1", at, space);
    const end = at + Number(digits);
    const equals = body.indexOf(0x3d, space);
    if (!/^[0-9]{1,10}$/.test(digits) || end > body.length || body[end - 1] !== 0x0a || equals < 0 || equals >= end) {
      if (body.subarray(at).every((byte) => byte === 0)) break; // some writers pad with NULs
      throw new ArchiveError("damaged", `the PAX header has no valid record at byte ${at}`);
    }
    records.push([body.toString("utf8", space + 1, equals), body.toString("latin1", equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** Records as they are written, sorted as they come: a byte string. The length counts its own digits. */
export function paxRecordsText(records: PaxRecords): string {
  let text = "";
  for (const [keyword, value] of records) {
    const rest = ` ${ASCII.test(keyword) ? keyword : Buffer.from(keyword).toString("latin1")}=${value}\n`;
    let length = rest.length;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    text += length + rest;
  }
  return text;
}
