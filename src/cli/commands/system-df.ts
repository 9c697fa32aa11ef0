import type { DiskUsage } from "../../api/disk-usage.ts";
import { familiarName, parseReference } from "../../oci/reference.ts";
import { defineCommand } from "../command.ts";
import { humanAge, humanSize, shortId } from "../format.ts";
import type { ListRow } from "../list-format.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

const HEADINGS = { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" };
const COLUMNS = ["Type", "TotalCount", "Active", "Size", "Reclaimable"];
const COMMAND_WIDTH = 20;

export const command = defineCommand({
  name: "system df",
  summary: "Show what takes room on the disk",
  usage: "[OPTIONS]",
  examples: ["laminate system df", "laminate system df -v", "laminate system df --format '{{.Type}} {{.Reclaimable}}'"],
  flags: {
    format: { kind: "string", value: "FORMAT", summary: "table, table TEMPLATE, json or a Go template" },
    verbose: { kind: "boolean", short: "v", summary: "Show each image, container, volume and cache record" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { format, verbose }) {
    if (verbose === true && format !== undefined) throw new UsageError("conflict", "the --verbose and the --format option cannot be given together");
    const [{ diskUsage }, { renderList }, { open }] = await Promise.all([import("../../api/disk-usage.ts"), import("../list-format.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const usage = await diskUsage(laminate);
    context.stdout.write(verbose === true ? details(usage, Date.now()) : renderList({ format, headings: HEADINGS, columns: COLUMNS }, summary(usage)));
    return 0;
  },
});

function summary({ images, imagesSize, imagesReclaimable, containers, volumes, cache, cacheMounts }: DiskUsage): ListRow[] {
  const idle = containers.filter(({ state }) => state.status !== "running");
  const unused = volumes.filter(({ links }) => links === 0);
  const cacheSize = ownCacheSize({ cache, cacheMounts });
  return [
    row("Images", images.length, images.filter((image) => image.containers > 0).length, imagesSize, imagesReclaimable),
    row("Containers", containers.length, containers.length - idle.length, total(containers), total(idle)),
    row("Local Volumes", volumes.length, volumes.length - unused.length, total(volumes), total(unused)),
    { ...row("Build Cache", cache.length + cacheMounts.length, 0, cacheSize, cacheSize), Reclaimable: humanSize(cacheSize, 4) },
  ];
}

function row(Type: string, count: number, active: number, size: number, reclaimable: number): ListRow {
  const share = size === 0 ? "" : ` (${Math.floor((reclaimable * 100) / size)}%)`;
  return { Type, TotalCount: `${count}`, Active: `${active}`, Size: humanSize(size, 4), Reclaimable: `${humanSize(reclaimable, 4)}${share}` };
}

function details(usage: DiskUsage, now: number): string {
  return [
    `Images space usage:\n\n${imagesTable(usage, now)}`,
    `Containers space usage:\n\n${containersTable(usage, now)}`,
    `Local Volumes space usage:\n\n${table(["VOLUME NAME", "LINKS", "SIZE"], usage.volumes.map(({ name, links, size }) => [name, `${links}`, humanSize(size, 4)]))}`,
    `Build cache usage: ${humanSize(ownCacheSize(usage), 4)}\n\n${cacheTable(usage, now)}`,
  ].join("\n");
}

function imagesTable({ images }: DiskUsage, now: number): string {
  const rows = images.flatMap(({ record, size, shared, unique, containers }) => {
    const names = record.names.map(parseReference).filter(({ tag }) => tag !== undefined);
    const shown = names.length === 0 ? [["<none>", "<none>"]] : names.map((name) => [familiarName(name), name.tag!]);
    return shown.map((name) => [...name, shortId(record.id), humanAge(record.created, now), humanSize(size), humanSize(shared, 4), humanSize(unique, 4), `${containers}`]);
  });
  return table(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"], rows);
}

function containersTable({ containers }: DiskUsage, now: number): string {
  const rows = containers.map(({ container: { id, record }, state, size }) => {
    const words = `"${[...record.entrypoint, ...record.command].join(" ")}"`;
    const command = words.length <= COMMAND_WIDTH ? words : `${words.slice(0, COMMAND_WIDTH - 2)}…"`;
    const volumes = record.mounts.filter(({ type }) => type === "volume").length;
    return [shortId(id), record.image.name, command, `${volumes}`, humanSize(size), humanAge(record.created, now), state.status, record.name];
  });
  return table(["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"], rows);
}

function cacheTable({ cache, cacheMounts }: DiskUsage, now: number): string {
  const rows = cache.map(({ record, size, shared }) => {
    const [id, type] = record.kind === "step" ? [shortId(record.key), "regular"] : [record.key, "source.http"];
    return [id, type, humanSize(size), humanAge(record.created, now), humanAge(record.used, now), `${shared}`];
  });
  const mounts = cacheMounts.map(({ mount, size }) => [shortId(mount.name), "exec.cachemount", humanSize(size), humanAge(mount.created, now), humanAge(mount.used, now), "false"]);
  return table(["CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "SHARED"], [...rows, ...mounts]);
}

/** What only the cache has, each layer once. */
function ownCacheSize({ cache, cacheMounts }: Pick<DiskUsage, "cache" | "cacheMounts">): number {
  return total(cacheMounts) + total([...new Map(cache.filter(({ shared }) => !shared).map((use) => [use.record.content, use])).values()]);
}

function total(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}
