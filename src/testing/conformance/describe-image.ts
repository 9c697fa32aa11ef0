import { createHash } from "node:crypto";
import type { HistoryEntry, ImageConfig } from "../../oci/image-config.ts";
import type { Answer } from "./case-file.ts";
import type { FlatTree, LayerEntry } from "./flatten.ts";
import type { ArchivedImage } from "./image-archive.ts";
import { GIVEN_TIME } from "./write-context.ts";

/** Times after this are those of a build, and all alike. */
const RECENT = Date.parse("2020-01-01T00:00:00Z");
/** Longer contents are named by their digest. */
const SHORT = 200;

export interface DescribeOptions {
  readonly bases: ReadonlyMap<string, ArchivedImage>;
  /**
   * Whether times of directories are told. Laminate keeps a layer that is there already where a new one would say the
   * same but for times (docs/differences.md), so only a case of which nothing else in the corpus is like can be asked.
   */
  readonly directoryTimes: boolean;
}

/** An image as text that is the same whoever built it, and whenever: what it adds to a base, which it names. */
export function describeImage(image: ArchivedImage, { bases, directoryTimes }: DescribeOptions): Answer {
  const [name, base] = baseOf(image, bases) ?? [];
  return new Map([
    ["image", lines([...(name === undefined ? [] : [`base ${name}`]), ...configLines(image.config)])],
    ["history", lines((image.config.history ?? []).slice(base?.config.history?.length ?? 0).map(historyLine))],
    ["tree", lines(treeLines(image.tree, base?.tree).map((line) => (directoryTimes ? line : line.replace(/^(d.*\/) @\S+$/, "$1"))))],
  ]);
}

/** The base image with the most layers that are all this one's lowest. */
function baseOf({ config }: ArchivedImage, bases: ReadonlyMap<string, ArchivedImage>): [string, ArchivedImage] | undefined {
  const own = config.rootfs.diff_ids ?? [];
  const depth = (one: ArchivedImage) => one.config.rootfs.diff_ids.length;
  return [...bases]
    .filter(([, base]) => depth(base) <= own.length && base.config.rootfs.diff_ids.every((id, index) => id === own[index]) && base.config !== config)
    .sort(([, a], [, b]) => depth(b) - depth(a))[0];
}

function configLines(image: ImageConfig): string[] {
  const { created, config } = image;
  const own = Object.entries(image).filter(([key, value]) => !["created", "config", "rootfs", "history"].includes(key) && !(key === "os" && value === "linux") && !(key === "architecture" && value === process.arch.replace("x64", "amd64")));
  return [...sorted(own), ...(created === undefined ? ["created absent"] : old(created).map((time) => `created ${time}`)), ...sorted(Object.entries(config ?? {}))];
}

function sorted(members: readonly (readonly [string, unknown])[]): string[] {
  return members.map(([key, value]) => `${key} ${JSON.stringify(inOrder(value))}`).sort();
}

/** The members of an object by name: JSON gives their order no meaning. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, inOrder(member)]));
}

function historyLine({ created, created_by, author, comment, empty_layer }: HistoryEntry): string {
  const text = JSON.stringify(created_by ?? null).slice(1, -1).replaceAll('\\"', '"');
  const more = [
    ...(comment === "buildkit.dockerfile.v0" ? [] : [`comment ${JSON.stringify(comment)}`]),
    ...(author === undefined ? [] : [`author ${JSON.stringify(author)}`]),
    ...(created === undefined ? ["created absent"] : old(created).map((time) => `created ${time}`)),
  ];
  return [empty_layer === true ? "empty" : "layer", text, ...more].join(" ");
}

function old(time: string): string[] {
  return Date.parse(time) < RECENT ? [time] : [];
}

function treeLines(tree: FlatTree, base: FlatTree | undefined): string[] {
  const first = firstPaths(tree);
  const below = base === undefined ? new Map<string, string>() : new Map([...base].map(([path, entry]) => [path, entryLine(path, entry, firstPaths(base))]));
  const changed = [...tree].map(([path, entry]) => [path, entryLine(path, entry, first)] as const).filter(([path, line]) => without(line) !== without(below.get(path) ?? ""));
  const gone = [...below.keys()].filter((path) => !tree.has(path) && tree.has(parentOf(path))).map((path) => [path, `gone /${shown(path)}`] as const);
  return [...changed, ...gone].filter(([path, line]) => path !== "" || !line.startsWith("drwxr-xr-x 0:0 /")).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

/** A base's own times are those of whenever it was made. */
function without(line: string): string {
  return line.replace(/ @\S+$/, "");
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The least path of each file that has several. */
function firstPaths(tree: FlatTree): ReadonlyMap<LayerEntry, string> {
  const first = new Map<LayerEntry, string>();
  for (const [path, entry] of tree) if (path < (first.get(entry) ?? "\uFFFF")) first.set(entry, path);
  return first;
}

function entryLine(path: string, entry: LayerEntry, first: ReadonlyMap<LayerEntry, string>): string {
  const { header } = entry;
  const name = `/${shown(path)}${header.type === "directory" ? "/" : ""}`;
  const other = first.get(entry)!;
  if (other !== path) return `hard link ${name} => /${shown(other)}`;
  return [`${LETTERS[header.type] ?? "?"}${permissions(header.mode)} ${header.uid}:${header.gid} ${name}`, ...what(entry), ...xattrs(entry), ...time(entry)].join(" ");
}

const LETTERS: Readonly<Record<string, string>> = { file: "-", directory: "d", symlink: "l", character: "c", block: "b", fifo: "p" };

function permissions(mode: number): string {
  const bits = [..."rwxrwxrwx"].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : "-"));
  for (const [bit, at, letter] of [[0o4000, 2, "s"], [0o2000, 5, "s"], [0o1000, 8, "t"]] as const) {
    if (mode & bit) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  }
  return bits.join("");
}

function what({ header, content }: LayerEntry): string[] {
  if (header.type === "symlink") return [`-> ${shown(header.link!)}`];
  if (header.type === "character" || header.type === "block") return [`${header.major},${header.minor}`];
  if (header.type !== "file") return [];
  const text = content.toString();
  if (content.length <= SHORT && Buffer.from(text).equals(content)) return [JSON.stringify(text)];
  return [`${content.length} bytes ${createHash("sha256").update(content).digest("hex").slice(0, 16)}`];
}

function xattrs({ header }: LayerEntry): string[] {
  return [...(header.xattrs ?? [])].map(([key, value]) => `${key}=${JSON.stringify(value.toString("latin1"))}`).sort();
}

/** Nothing where a file has the time that its context gave it. */
function time({ header }: LayerEntry): string[] {
  const milliseconds = Number(header.mtime / 1_000_000n);
  if (milliseconds === GIVEN_TIME.getTime()) return [];
  return [milliseconds > RECENT ? "@now" : `@${new Date(milliseconds).toISOString()}`];
}

function shown(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString().replaceAll(/[\n\\]/g, (one) => JSON.stringify(one).slice(1, -1));
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
