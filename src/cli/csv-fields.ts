/** The fields of a line of CSV (RFC 4180), as docker's flags write lists: a field in quotes may hold commas, and a quote twice. */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;
  for (let found = field.exec(line); found !== null; found = field.exec(line)) {
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] === "") break;
  }
  return fields;
}
