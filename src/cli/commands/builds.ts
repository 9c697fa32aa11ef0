import type { BuildRecord } from "../../explain/build-record.ts";
import { defineCommand } from "../command.ts";
import { humanAge, seconds, shortId } from "../format.ts";
import type { ListRow } from "../list-format.ts";

const HEADINGS = { ID: "BUILD ID", Started: "STARTED", StartedAt: "STARTED AT", Took: "TOOK", Result: "RESULT", Ran: "RAN", Cached: "CACHED", Names: "NAMES", Image: "IMAGE ID", Context: "CONTEXT" };

export const command = defineCommand({
  name: "builds",
  summary: "List earlier builds",
  usage: "[OPTIONS]",
  examples: ["laminate builds", "laminate builds -q", "laminate builds --format '{{.ID}} {{.Took}} {{.Names}}'", "laminate builds show last"],
  flags: {
    format: { kind: "string", value: "FORMAT", summary: "table, table TEMPLATE, json or a Go template" },
    quiet: { kind: "boolean", short: "q", summary: "Show only build IDs" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, values) {
    const [{ builds }, { renderList }, { open }] = await Promise.all([import("../../api/builds.ts"), import("../list-format.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const columns = ["ID", "Started", "Took", "Result", "Ran", "Cached", "Names"];
    context.stdout.write(renderList({ format: values.format, headings: HEADINGS, columns, quiet: values.quiet === true ? "ID" : undefined }, builds(laminate).map(rowOf)));
    return 0;
  },
});

function rowOf({ id, started, duration, outcome, steps, names, image, context }: BuildRecord): ListRow {
  const count = (wanted: string): number => steps.filter((step) => step.outcome === wanted).length;
  return {
    ID: id,
    Started: humanAge(started, Date.now()),
    StartedAt: new Date(started).toISOString(),
    Took: seconds(duration),
    Result: outcome,
    Ran: count("ran"),
    Cached: count("cached"),
    Names: names.length === 0 ? "<none>" : names.join(", "),
    Image: image === undefined ? "" : shortId(image),
    Context: context,
  };
}
