import type { HistoryLine } from "../../api/history.ts";
import { defineCommand } from "../command.ts";
import { humanAge, humanSize, shortId } from "../format.ts";
import type { ListRow } from "../list-format.ts";

const flags = {
  format: { kind: "string", value: "FORMAT", summary: "table, table TEMPLATE, json or a Go template" },
  human: { kind: "boolean", short: "H", summary: "Sizes and dates for people (default; --human=false for bytes and RFC 3339)" },
  "no-trunc": { kind: "boolean", summary: "Show whole lines" },
  quiet: { kind: "boolean", short: "q", summary: "Show only image IDs" },
} as const;

const HEADINGS = { ID: "IMAGE", CreatedSince: "CREATED", CreatedAt: "CREATED AT", CreatedBy: "CREATED BY", Size: "SIZE", Comment: "COMMENT" };
const WIDTH = 45;

export const command = defineCommand({
  name: "history",
  summary: "Show the history of an image",
  usage: "[OPTIONS] IMAGE",
  examples: ["laminate history test-image", "laminate history --no-trunc --format '{{.Size}} {{.CreatedBy}}' test-image"],
  flags,
  arguments: { min: 1, max: 1 },
  async run(context, values, [image]) {
    const [{ history }, { renderList }, { open }] = await Promise.all([import("../../api/history.ts"), import("../list-format.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const human = values.human !== false;
    const rows = (await history(laminate, { image: image! })).map((line) => rowOf(line, { human, whole: values["no-trunc"] === true }));
    const columns = ["ID", human ? "CreatedSince" : "CreatedAt", "CreatedBy", "Size", "Comment"];
    context.stdout.write(renderList({ format: values.format, headings: HEADINGS, columns, quiet: values.quiet === true ? "ID" : undefined }, rows));
    return 0;
  },
});

function rowOf(line: HistoryLine, { human, whole }: { readonly human: boolean; readonly whole: boolean }): ListRow {
  const id = line.id ?? "<missing>";
  const by = line.createdBy.replaceAll("\t", " ");
  const created = Date.parse(line.created ?? "");
  return {
    ID: whole || line.id === undefined ? id : shortId(id),
    CreatedSince: Number.isNaN(created) ? "N/A" : humanAge(created, Date.now()),
    CreatedAt: Number.isNaN(created) ? "" : new Date(created).toISOString().replace(/\.\d+Z$/, "Z"),
    CreatedBy: whole || by.length <= WIDTH ? by : `${by.slice(0, WIDTH - 1)}…`,
    Size: human ? humanSize(line.size) : String(line.size),
    Comment: line.comment,
  };
}
