import type { ListedImage } from "../../api/images.ts";
import { familiarName } from "../../oci/reference.ts";
import { defineCommand } from "../command.ts";
import { humanAge, humanSize, shortId } from "../format.ts";
import { goTime } from "../go-time.ts";
import type { ListRow } from "../list-format.ts";

const flags = {
  all: { kind: "boolean", short: "a", summary: "Taken for docker's sake: there are no intermediate images" },
  digests: { kind: "boolean", summary: "Show digests" },
  filter: { kind: "list", short: "f", value: "KEY=VALUE", summary: "Show only images with dangling=true, reference=PATTERN, label=KEY[=VALUE], before=IMAGE or since=IMAGE" },
  format: { kind: "string", value: "FORMAT", summary: "table, table TEMPLATE, json or a Go template" },
  "no-trunc": { kind: "boolean", summary: "Show whole IDs" },
  quiet: { kind: "boolean", short: "q", summary: "Show only image IDs" },
} as const;

const HEADINGS = { Repository: "REPOSITORY", Tag: "TAG", Digest: "DIGEST", ID: "IMAGE ID", CreatedSince: "CREATED", CreatedAt: "CREATED AT", Size: "SIZE", VirtualSize: "SIZE", UniqueSize: "UNIQUE SIZE", SharedSize: "SHARED SIZE", Containers: "CONTAINERS" };

export const command = defineCommand({
  name: "images",
  summary: "List images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  examples: ["laminate images", "laminate images -q --filter dangling=true", "laminate images --format '{{.Repository}}:{{.Tag}} {{.Size}}'"],
  flags,
  arguments: { min: 0, max: 1 },
  async run(context, values, [reference]) {
    const [{ images }, { createdAt }, { renderList }, { open }] = await Promise.all([import("../../api/images.ts"), import("../../api/image-view.ts"), import("../list-format.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const found = await images(laminate, { filters: values.filter, ...(reference === undefined ? {} : { reference }) });
    const rows = found.map((image) => rowOf(image, createdAt(image.view), values["no-trunc"] === true));
    const columns = ["Repository", "Tag", ...(values.digests === true ? ["Digest"] : []), "ID", "CreatedSince", "Size"];
    const quiet = values.quiet === true && ["table", "json"].includes(values.format ?? "table");
    const shown = quiet ? rows.filter((row, index) => rows.findIndex((other) => other["ID"] === row["ID"]) === index) : rows;
    context.stdout.write(renderList({ format: values.format, headings: HEADINGS, columns, quiet: quiet ? "ID" : undefined }, shown));
    return 0;
  },
});

function rowOf({ view, name }: ListedImage, created: number, whole: boolean): ListRow {
  const repository = name === undefined ? undefined : familiarName(name);
  const digest = view.digests.find((each) => each.startsWith(`${repository}@`))?.replace(/^.*@/, "");
  const size = humanSize(view.size);
  return {
    Repository: repository ?? "<none>",
    Tag: name?.tag ?? "<none>",
    Digest: digest ?? "<none>",
    ID: whole ? view.record.id : shortId(view.record.id),
    CreatedSince: created === 0 ? "N/A" : humanAge(created, Date.now()),
    CreatedAt: goTime(created),
    Size: size,
    VirtualSize: size,
    SharedSize: "N/A",
    UniqueSize: "N/A",
    Containers: "N/A",
  };
}
