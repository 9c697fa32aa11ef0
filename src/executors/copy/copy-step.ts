import { createReadStream } from "node:fs";
import type { BytePath } from "../../base/byte-path.ts";
import { bytePath } from "../../base/byte-path.ts";
import type { Json } from "../../base/canonical-json.ts";
import { decompressStream } from "../../archive/decompress.ts";
import type { CopyOperation } from "../../graph/operation.ts";
import type { DiffId } from "../../oci/digest.ts";
import type { ExecuteContext } from "../../solver/backend.ts";
import type { Store } from "../../store/store.ts";
import { download, type Download } from "../add/download.ts";
import { isArchive } from "../add/is-archive.ts";
import { gitCheckout, gitCommit } from "../context/git.ts";
import type { GitAccess } from "../context/git-environment.ts";
import { parseGitUrl, type GitUrl } from "../context/git-url.ts";
import { DirectorySource } from "../context/directory-source.ts";
import { ExecuteError } from "../execute-error.ts";
import type { LayerTrees } from "../layer-trees.ts";
import type { FileSource } from "../value.ts";
import { plannedLayer, type PlannedLayer } from "./copy-layer.ts";
import { inlineFile, LooseSource, type LooseFile } from "./loose-source.ts";
import { ownerIds } from "./owner.ts";
import { planCopy, type Placement } from "./plan.ts";
import { excluding } from "./exclude.ts";
import { select, selectWithParents, type Selection } from "./select.ts";
import { selectionDigest } from "./selection-digest.ts";

export interface CopyWorld {
  readonly store: Store;
  readonly trees: LayerTrees;
  readonly env: NodeJS.ProcessEnv;
  /** For private git repositories. */
  readonly access: GitAccess;
  /** Nanoseconds since the epoch; the time of directories that a copy makes. */
  readonly now: () => bigint;
}

/** A remote source of ADD as it is now. */
type Remote = { readonly kind: "file"; readonly download: Download } | { readonly kind: "git"; readonly url: GitUrl; readonly commit: string };

/** Everything a COPY or ADD takes, looked up once for its key and used again to make its layer. */
export interface CopySources {
  readonly source: FileSource | undefined;
  readonly selections: readonly Selection[];
  readonly remotes: readonly Remote[];
}

/** Finds what the operation names in its source and behind its URLs. Throws {@link ExecuteError} for what is not there. */
export async function copySources(operation: CopyOperation, source: FileSource | undefined, world: CopyWorld, context: ExecuteContext): Promise<CopySources> {
  const selections = source === undefined ? [] : operation.sources.flatMap((pattern) => excluding(source, operation.parents === true ? selectWithParents(source, pattern) : select(source, pattern), operation.exclude ?? []));
  const remotes = await Promise.all(operation.urls.map((url) => remote(url, operation, world, context)));
  return { source, selections, remotes };
}

/** What of the sources goes into the step's key, and the files behind it for explaining a miss. */
export async function copyIngredients({ source, selections, remotes }: CopySources, { store }: CopyWorld): Promise<{ readonly ingredients: { readonly [name: string]: Json }; readonly files: () => Promise<Buffer> }> {
  const selected = source === undefined ? undefined : await selectionDigest(source, selections, store.knownSelections);
  const fetched = remotes.map((one) => (one.kind === "git" ? { commit: one.commit, directory: one.url.directory, ...(one.url.submodules ? {} : { submodules: false }), ...(one.url.keepGitDirectory ? { keepGitDirectory: true } : {}) } : { digest: one.download.digest, name: one.download.name }));
  return { ingredients: { files: selected?.digest ?? null, remotes: fetched }, files: selected?.files ?? (async () => Buffer.alloc(0)) };
}

/** A COPY or ADD that is worked out, and what there is to say about it. */
export interface PlannedCopy {
  readonly layer: PlannedLayer;
  readonly notes: readonly string[];
}

/** Works out the layer of a COPY or ADD on a stack of layers, without making it. Only what is behind a URL, and in an archive, comes into the store for that. */
export async function planCopyStep(operation: CopyOperation, sources: CopySources, base: readonly DiffId[], world: CopyWorld, context: ExecuteContext): Promise<PlannedCopy> {
  const now = world.now();
  const notes: string[] = [];
  const placements = [...(await localPlacements(operation, sources, world)), ...(await remotePlacements(operation, sources.remotes, world, context)), ...inlinePlacements(operation, now)];
  const owner = operation.owner === undefined ? undefined : await ownerIds(operation.owner, base, world.trees, (message) => notes.push(`${message}, which --chown names: the files are root's\n`));
  if (sources.selections.length > 0 && placements.every(({ selection }) => selection.chosen.length === 0)) {
    notes.push(`nothing to copy: no file in ${sources.source!.name} matches ${operation.sources.map((pattern) => JSON.stringify(pattern)).join(" or ")}\n`);
  }
  const planned = planCopy(placements, { base: await world.trees.tree(operation.link === true ? [] : base), destination: operation.destination, owner, mode: operation.mode, now });
  context.signal.throwIfAborted();
  return { layer: await plannedLayer(planned), notes };
}

async function localPlacements(operation: CopyOperation, { source, selections }: CopySources, world: CopyWorld): Promise<Placement[]> {
  if (source === undefined) {
    return [];
  }
  const placements: Placement[] = [];
  for (const selection of selections) {
    if (!operation.unpack) {
      placements.push({ source: selection.view ?? source, selection, archive: false });
      continue;
    }
    for (const chosen of selection.chosen) {
      const archive = await isArchive(source, chosen.source.entry);
      placements.push(archive ? await unpacked(source, chosen.source.entry, world) : { source: selection.view ?? source, selection: { ...selection, chosen: [chosen] }, archive: false });
    }
  }
  return placements;
}

/** An archive joins the store as if it were a layer, so its files can be placed without being unpacked anywhere. */
async function unpacked(source: FileSource, entry: Parameters<FileSource["read"]>[0], { store, trees }: CopyWorld): Promise<Placement> {
  const diffId = await store.layers.putTar(decompressStream(source.read(entry)));
  return wholeOf(await trees.source("the archive", [diffId]), true);
}

function wholeOf(source: FileSource, archive: boolean): Placement {
  const root = source.get("" as BytePath)!;
  return { source, selection: { pattern: ".", wildcard: false, chosen: [{ name: "", source: root }] }, archive };
}

async function remote(url: string, { checksum, keepGitDir }: CopyOperation, world: CopyWorld, context: ExecuteContext): Promise<Remote> {
  const gitUrl = parseGitUrl(url);
  if (gitUrl !== undefined) {
    if (keepGitDir === true && gitUrl.keepGitDirectory === false) throw new ExecuteError("bad-context", `${JSON.stringify(url)} and --keep-git-dir disagree on whether .git is kept`);
    const commit = await gitCommit(gitUrl, { ...world, signal: context.signal });
    if (checksum !== undefined && !commit.startsWith(checksum)) throw new ExecuteError("bad-context", `${JSON.stringify(url)}: expected checksum to match ${checksum}, got ${commit}`);
    return { kind: "git", url: gitUrl, commit };
  }
  const { content, records, leases } = world.store;
  const progress = (current: number, total: number | undefined, done: boolean): void => context.progress(url, current, total, done);
  const found = await download(url, { content, records, leases, signal: context.signal, env: world.env, progress });
  if (checksum !== undefined && found.digest !== checksum) {
    throw new ExecuteError("download-failed", `what is behind ${JSON.stringify(url)} has the digest ${found.digest}, not ${checksum}`);
  }
  return { kind: "file", download: found };
}

async function remotePlacements(operation: CopyOperation, remotes: readonly Remote[], world: CopyWorld, context: ExecuteContext): Promise<Placement[]> {
  const placements: Placement[] = [];
  for (const one of remotes) {
    if (one.kind === "git") {
      const directory = await gitCheckout(one.url, one.commit, world.store.temporaryDirectory(), { ...world, signal: context.signal, ...(operation.keepGitDir === true ? { keepGitDirectory: true } : {}) });
      placements.push(wholeOf(new DirectorySource(one.url.remote, directory), false));
    } else {
      placements.push(await downloaded(operation, one.download, world));
    }
  }
  return placements;
}

async function downloaded({ unpackRemote }: CopyOperation, download: Download, world: CopyWorld): Promise<Placement> {
  const placement = loose("the download", [downloadedFile(download, world)]);
  const [{ source }] = placement.selection.chosen as [Selection["chosen"][number]];
  const archive = unpackRemote === true && (await isArchive(placement.source, source.entry));
  return archive ? await unpacked(placement.source, source.entry, world) : placement;
}

/** A downloaded file has mode 0600 and the server's time (Dockerfile reference, ADD). */
function downloadedFile({ digest, size, name, mtime }: Download, { store }: CopyWorld): LooseFile {
  return {
    entry: { path: bytePath(name), type: "file", mode: 0o600, uid: 0, gid: 0, size, mtime: mtime ?? 0n },
    digest,
    located: { file: store.content.path(digest), offset: 0 },
    read: () => createReadStream(store.content.path(digest)),
  };
}

function inlinePlacements({ inline }: CopyOperation, now: bigint): Placement[] {
  return inline.map((file) => loose("the here-document", [inlineFile(file, now)]));
}

function loose(name: string, files: readonly LooseFile[]): Placement {
  const source = new LooseSource(name, files);
  const chosen = files.map((file) => ({ name: file.entry.path as string, source: { entry: file.entry } }));
  return { source, selection: { pattern: name, wildcard: false, chosen }, archive: false };
}
