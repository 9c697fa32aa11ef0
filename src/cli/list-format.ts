import { compileTemplate } from "./go-template.ts";
import { goJson, goRow } from "./go-values.ts";
import { table } from "./table.ts";

/** A row by its template fields: `Repository`, `Tag`, … */
export type ListRow = Readonly<Record<string, string | boolean | number>>;

export interface ListFormat {
  /** `--format`: a template, `json`, `table`, `table TEMPLATE`; undefined for the default table. */
  readonly format: string | undefined;
  /** What `table` writes above each field. */
  readonly headings: Readonly<Record<string, string>>;
  /** The fields of the default table, in order. */
  readonly columns: readonly string[];
  /** With `-q`: the one field to print. */
  readonly quiet?: string | undefined;
}

/** A list as docker's listing commands print it. */
export function renderList({ format = "table", headings, columns, quiet }: ListFormat, rows: readonly ListRow[]): string {
  if (quiet !== undefined && (format === "table" || format === "json")) {
    return rows.map((row) => `${row[quiet]}\n`).join("");
  }
  if (format === "json") {
    return rows.map((row) => `${goJson(sorted(row))}\n`).join("");
  }
  if (format === "table") {
    return table(columns.map((column) => headings[column]!), rows.map((row) => columns.map((column) => String(row[column]))));
  }
  const asTable = format.startsWith("table");
  const template = compileTemplate((asTable ? format.replace(/^table\s*/, "") : format).replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
  if (!asTable) {
    return rows.map((row) => `${template(goRow(sorted(row)))}\n`).join("");
  }
  return table(template(goRow({ ...headings })).split("\t"), rows.map((row) => template(goRow(sorted(row))).split("\t")));
}

function sorted(row: ListRow): ListRow {
  return Object.fromEntries(Object.keys(row).sort().map((key) => [key, row[key]!]));
}
