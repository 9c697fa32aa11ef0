import type { DiskUsage, Purpose } from "../../api/disk-usage.ts";
import { familiarName, familiarReference, parseReference } from "../../oci/reference.ts";
import { defineCommand } from "../command.ts";
import { humanAge, humanSize, seconds, shortId } from "../format.ts";
import type { ListRow } from "../list-format.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

const HEADINGS = { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE", Bytes: "BYTES" };
const COLUMNS = ["Type", "TotalCount", "Active", "Size", "Reclaimable"];
const COMMAND_WIDTH = 20;
const DESCRIPTION_WIDTH = 40;

/** The first four as docker calls them. */
const TITLES: Readonly<Record<Purpose, string>> = { images: "Images", containers: "Containers", volumes: "Local Volumes", cache: "Build Cache", contexts: "Known Contexts", builds: "Records and Logs", temporary: "Temporary", store: "Store" };
const PURPOSES = Object.keys(TITLES) as Purpose[];

export const command = defineCommand({
  name: "system df",
  summary: "Show where every byte of the store is",
  usage: "[OPTIONS]",
  examples: ["laminate system df", "laminate system df -v", "laminate system df -v --format json", "laminate system df --format '{{.Type}} {{.Bytes}}'"],
  flags: {
    format: { kind: "string", value: "FORMAT", summary: "table, table TEMPLATE, json or a Go template; with --verbose json" },
    verbose: { kind: "boolean", short: "v", summary: "Show each image, container, volume and part of the build cache" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { format, verbose }) {
    if (verbose === true && format !== undefined && format !== "json") throw new UsageError("bad-value", `invalid argument "${format}" for "--format" flag: with --verbose it is json or not given`);
    const [{ diskUsage }, { renderList }, { open }] = await Promise.all([import("../../api/disk-usage.ts"), import("../list-format.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const usage = diskUsage(laminate);
    if (verbose === true) context.stdout.write(format === undefined ? details(usage, Date.now()) : `${JSON.stringify(wholeStory(usage), null, 2)}\n`);
    else context.stdout.write(renderList({ format, headings: HEADINGS, columns: COLUMNS }, format === undefined ? [...summary(usage), totalRow(usage)] : summary(usage)));
    return 0;
  },
});

/** A row a purpose; their bytes add up to what the disk says of the store. */
function summary({ by, images, imagesReclaimable, containers, volumes, cache, unneeded }: DiskUsage): ListRow[] {
  const idle = containers.filter(({ state }) => state.status !== "running");
  const unused = volumes.filter(({ links }) => links === 0);
  const counts: Readonly<Record<Purpose, { readonly count: number; readonly active: number; readonly reclaimable: number }>> = {
    images: { count: images.length, active: images.filter((image) => image.containers > 0).length, reclaimable: imagesReclaimable },
    containers: { count: containers.length, active: containers.length - idle.length, reclaimable: total(idle) },
    volumes: { count: volumes.length, active: volumes.length - unused.length, reclaimable: total(unused) },
    cache: { count: cache.length, active: cache.filter(({ inUse }) => inUse).length, reclaimable: by.cache },
    contexts: { count: 0, active: 0, reclaimable: 0 },
    builds: { count: 0, active: 0, reclaimable: 0 },
    temporary: { count: 0, active: 0, reclaimable: unneeded },
    store: { count: 0, active: 0, reclaimable: 0 },
  };
  return PURPOSES.map((purpose) => row(TITLES[purpose], by[purpose], counts[purpose]));
}

function row(Type: string, bytes: number, { count, active, reclaimable }: { readonly count: number; readonly active: number; readonly reclaimable: number }): ListRow {
  const share = bytes === 0 || Type === TITLES.cache ? "" : ` (${Math.floor((reclaimable * 100) / bytes)}%)`;
  return { Type, TotalCount: `${count}`, Active: `${active}`, Size: humanSize(bytes, 4), Reclaimable: `${humanSize(reclaimable, 4)}${share}`, Bytes: bytes };
}

function totalRow({ total: bytes }: DiskUsage): ListRow {
  return { Type: "Total", TotalCount: "", Active: "", Size: humanSize(bytes, 4), Reclaimable: "", Bytes: bytes };
}

/** All of it as data, in bytes and milliseconds since the epoch. */
function wholeStory({ total: bytes, by, images, containers, volumes, cache }: DiskUsage) {
  return {
    Total: bytes,
    By: Object.fromEntries(PURPOSES.map((purpose) => [TITLES[purpose], by[purpose]])),
    Images: images.map(({ record, size, shared, unique, sharedWith, containers: users }) => ({ ID: record.id, Names: record.names.map((name) => familiarReference(parseReference(name))), Size: size, SharedSize: shared, UniqueSize: unique, SharedWith: sharedWith.map(({ id }) => id), Containers: users, Created: record.created })),
    Containers: containers.map(({ container: { id, record }, state, size }) => ({ ID: id, Name: record.name, Image: record.image.name, Status: state.status, Size: size, Created: record.created })),
    Volumes: volumes.map(({ name, size, links }) => ({ Name: name, Size: size, Links: links })),
    BuildCache: cache.map(({ id, type, description, content, bytes: size, took, created, used, uses, shared, inUse }) => ({ ID: id, Type: type, Description: description, Content: content, Size: size, Milliseconds: took ?? null, Created: created, LastUsed: used, HoursUsed: uses, Shared: shared, InUse: inUse })),
  };
}

function details(usage: DiskUsage, now: number): string {
  const others = PURPOSES.filter((purpose) => !["images", "containers", "volumes", "cache"].includes(purpose));
  return [
    `Images space usage: ${humanSize(usage.by.images, 4)}\n\n${imagesTable(usage, now)}`,
    `Containers space usage: ${humanSize(usage.by.containers, 4)}\n\n${containersTable(usage, now)}`,
    `Local Volumes space usage: ${humanSize(usage.by.volumes, 4)}\n\n${table(["VOLUME NAME", "LINKS", "SIZE"], usage.volumes.map(({ name, links, size }) => [name, `${links}`, humanSize(size, 4)]))}`,
    `Build cache usage: ${humanSize(usage.by.cache, 4)}\n\n${cacheTable(usage, now)}`,
    `Other space usage:\n\n${table(["TYPE", "SIZE"], others.map((purpose) => [TITLES[purpose], humanSize(usage.by[purpose], 4)]))}`,
    `Total: ${humanSize(usage.total, 4)} (${usage.total} bytes of the disk)\n`,
  ].join("\n");
}

function imagesTable({ images }: DiskUsage, now: number): string {
  const rows = images.flatMap(({ record, size, shared, unique, sharedWith, containers }) => {
    const names = record.names.map(parseReference).filter(({ tag }) => tag !== undefined);
    const shown = names.length === 0 ? [["<none>", "<none>"]] : names.map((name) => [familiarName(name), name.tag!]);
    const others = sharedWith.map((other) => (other.names.length === 0 ? shortId(other.id) : familiarReference(parseReference(other.names[0]!)))).join(", ");
    return shown.map((name) => [...name, shortId(record.id), humanAge(record.created, now), humanSize(size), humanSize(shared, 4), humanSize(unique, 4), `${containers}`, others]);
  });
  return table(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS", "SHARED WITH"], rows);
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

function cacheTable({ cache }: DiskUsage, now: number): string {
  const rows = cache.map(({ id, type, description, bytes, took, created, used, uses, shared }) => {
    const words = description.replaceAll(/\s+/g, " ");
    return [type === "source.http" ? id : shortId(id), type, humanSize(bytes), took === undefined ? "" : seconds(took), humanAge(created, now), humanAge(used, now), `${uses}`, `${shared}`, words.length <= DESCRIPTION_WIDTH ? words : `${words.slice(0, DESCRIPTION_WIDTH - 1)}…`];
  });
  return table(["CACHE ID", "CACHE TYPE", "SIZE", "TOOK", "CREATED", "LAST USED", "USAGE", "SHARED", "DESCRIPTION"], rows);
}

function total(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}
