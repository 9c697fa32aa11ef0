import { pathText } from "../../base/byte-path.ts";
import { hashTexts, joinTexts } from "../../base/texts.ts";
import type { KnownSelections } from "../../store/known-selections.ts";
import { Signature } from "../context/signature.ts";
import { digestFromHex, digestOf, type Digest } from "../../oci/digest.ts";
import type { FileSource, SourceEntry } from "../value.ts";
import { type Chosen, directoriesBetween, type Selection } from "./select.ts";

/** What a COPY takes from its source: one digest over all, and each file's own for saying what changed. */
export interface SelectionDigest {
  readonly digest: Digest;
  /** A line a file or directory: `path NUL mode [uid:gid] [attributes] digest`, or what else it is in the digest's place; UTF-8. */
  readonly files: () => Promise<Buffer>;
}

/**
 * Digests what was chosen, names, types, modes, links and contents, but no times: a touched file is the same file.
 * With `known`, what an earlier build chose here is told by its signature, and no file is looked at by itself.
 */
export async function selectionDigest(source: FileSource, selections: readonly Selection[], known?: KnownSelections): Promise<SelectionDigest> {
  const { signed } = source;
  const now = BigInt(Date.now()) * 1_000_000n;
  const what = signed === undefined ? "" : `${signed.place}\0${selections.flatMap(({ chosen, parents }) => chosen.map((one) => nameOf(one, parents))).join("\0")}`;
  const signature = known === undefined || signed === undefined ? undefined : await signatureOf(selections, source);
  const hash = signature?.digest();
  const remembered = hash === undefined ? undefined : known!.get(what, hash);
  if (remembered !== undefined) {
    return { digest: remembered, files: async () => linesOf(await digested(source, selections)) };
  }
  const found = await digested(source, selections);
  const digest = digestOfAll(found);
  if (hash !== undefined && signature!.settled < now && signed!.vouches([...found.contents.keys()].map((line) => line.found.entry))) {
    known!.put(what, hash, digest);
  }
  let files: Buffer | undefined;
  return { digest, files: async () => (files ??= linesOf(found)) };
}

function nameOf({ name, source, root }: Chosen, parents: Selection["parents"]): string {
  return `${name}\0${source.entry.path}\0${root ?? ""}\0${parents === true}`;
}

/** Of all that {@link digested} looks at, in one order. */
async function signatureOf(selections: readonly Selection[], source: FileSource): Promise<Signature> {
  const signature = new Signature();
  for (const { chosen, parents, view = source } of selections) {
    for (const one of chosen) {
      signature.text(nameOf(one, parents));
      if (one.root !== undefined) for (const { entry } of directoriesBetween(view, one.root, one.source.entry.path)) signature.text(String(entry.mode));
      await view.signed!.sign(one.source.entry.path, signature);
    }
  }
  return signature;
}

interface Digested {
  readonly lines: readonly Line[];
  /** The digests of the files that do not come with one. */
  readonly contents: ReadonlyMap<Line, Digest>;
}

async function digested(source: FileSource, selections: readonly Selection[]): Promise<Digested> {
  const lines: Line[] = [];
  for (const { chosen, parents, view = source } of selections) {
    for (const { name, source: found, root } of chosen) {
      const top = found.entry.path;
      if (root !== undefined) lines.push(...directoriesBetween(view, root, top).map((each) => ({ found: each, as: each.entry.path.slice(root.length) })));
      addAll(view, found, { below: top.length, as: found.entry.type === "directory" && parents !== true ? "" : name }, lines);
    }
  }
  const files = lines.filter(({ found }) => found.entry.type === "file" && found.entry.digest === undefined);
  const digests = await source.digests(files.map(({ found }) => found.entry));
  return { lines, contents: new Map(files.map((line, place) => [line, digests[place]!])) };
}

function digestOfAll({ lines, contents }: Digested): Digest {
  const firstNames = namesOfInodes(lines);
  const factsOf = (line: Line): string => {
    const { found, as } = line;
    const { type, mode, uid, gid, link = "", major = "", minor = "" } = found.entry;
    // No field can hold a NUL, as names and links are the kernel's own strings, and the last no line break.
    return `${as}\0${link}\0${otherName(line, firstNames) ?? ""}\0${type}\0${mode}\0${uid}\0${gid}\0${major}\0${minor}\0${found.entry.digest ?? contents.get(line) ?? ""}${attributesOf(found)}\n`;
  };
  return digestFromHex(hashTexts(lines, factsOf));
}

/** Of a hard link the first chosen name of its file; a file's own first name is none. An inode's number is this machine's business, and so are names that nobody chose. */
function otherName({ found, as }: Line, firstNames: ReadonlyMap<string, string>): string | undefined {
  const first = found.inode === undefined ? undefined : firstNames.get(found.inode);
  return first === as ? undefined : first;
}

/** Nothing for a file without: a capability (security.capability) is as much a part of what is copied as the mode. */
function attributesOf({ entry: { xattrs } }: SourceEntry): string {
  if (xattrs === undefined || xattrs.size === 0) return "";
  return `\0${[...xattrs].map(([name, value]) => `${Buffer.from(name, "latin1").toString("base64")}=${value.toString("base64")}`).sort().join(" ")}`;
}

/** As people are told of it: a directory's name ends in a slash, and owners that are root's are not named. */
function linesOf({ lines, contents }: Digested): Buffer {
  const firstNames = namesOfInodes(lines);
  return joinTexts(lines, (line) => {
    const { path, type, mode, uid, gid, link = "", digest = contents.get(line) } = line.found.entry;
    const first = otherName(line, firstNames);
    const content = first !== undefined ? `hardlink ${oneLine(first)}` : (digest ?? (link === "" ? type : `${type} ${oneLine(link)}`));
    const attributes = attributesOf(line.found);
    const more = `${uid === 0 && gid === 0 ? "" : `${uid}:${gid} `}${attributes === "" ? "" : `${digestOf(attributes)} `}`;
    return `${oneLine(path)}${type === "directory" ? "/" : ""}\0${mode.toString(8)} ${more}${content}\n`;
  });
}

function oneLine(name: string): string {
  const text = pathText(name);
  return text.includes("\n") ? text.replaceAll("\n", "\u2424") : text;
}

interface Line {
  readonly found: SourceEntry;
  /** The name below the destination. */
  readonly as: string;
}

/** Adds an entry and all that is below it; of paths what comes after `below` characters stands after `as`. */
function addAll(source: FileSource, found: SourceEntry, names: { readonly below: number; readonly as: string }, lines: Line[]): void {
  const { path, type } = found.entry;
  lines.push({ found, as: `${names.as}${path.slice(names.below)}` });
  if (type === "directory") for (const child of source.children(path)) addAll(source, child, names, lines);
}

/** The first chosen name of each file that has several. */
function namesOfInodes(lines: readonly Line[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { found, as } of lines) {
    if (found.inode !== undefined && !names.has(found.inode)) {
      names.set(found.inode, as);
    }
  }
  return names;
}
