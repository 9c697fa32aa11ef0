import { spawn } from "node:child_process";
import { createReadStream, existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import path from "node:path";
import { bytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { nearest } from "../../base/nearest.ts";
import { withoutPassword } from "../../base/without-password.ts";
import { decompressStream, formatOf } from "../../archive/decompress.ts";
import { BLOCK } from "../../archive/tar-header.ts";
import { peek } from "../../archive/peek.ts";
import { type IgnoreRules, parseIgnore } from "../../dockerfile/ignore.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Store } from "../../store/store.ts";
import { download } from "../add/download.ts";
import { isTarHeader } from "../add/is-archive.ts";
import { follow } from "../copy/select.ts";
import { LooseSource } from "../copy/loose-source.ts";
import { ExecuteError } from "../execute-error.ts";
import { LayerTrees } from "../layer-trees.ts";
import type { FileSource } from "../value.ts";
import { DirectorySource } from "./directory-source.ts";
import { IgnoringSource } from "./ignoring-source.ts";
import { gitCheckout, gitCommit } from "./git.ts";
import type { GitAccess } from "./git-environment.ts";
import { parseGitUrl } from "./git-url.ts";

/** Where a build's files come from, with the Dockerfile that says what to do with them. */
export interface BuildContext {
  readonly source: FileSource;
  readonly dockerfile: { readonly text: string; readonly name: string };
  /** What the ignore file says, where there is one. */
  readonly ignore?: IgnoreRules;
  /** What tells this build from others when its decisions are kept: the place of its context and its Dockerfile. */
  readonly slot: readonly string[];
  /** Keeps for later builds what was learned of the files. */
  readonly keep?: () => void;
}

/** The world of a context. */
export interface ContextWorld {
  /** For private git repositories. */
  readonly access?: GitAccess;
  readonly cwd: string;
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

export interface ContextOptions extends ContextWorld {
  /** A directory, `-`, a git or http(s) URL, a tar file. */
  readonly context: string;
  /** `-f`: a path, or `-` for standard input. */
  readonly file?: string;
  readonly stdin?: Readable;
  /** Leave the .git of a git URL where it is. */
  readonly keepGitDirectory?: boolean;
}

const MAX_DOCKERFILE = 16 << 20;
const NAMES = ["Dockerfile", "dockerfile"] as const;

/** Opens what `docker build`'s PATH | URL | - means. Throws {@link ExecuteError} that names what is missing. */
export async function openContext(options: ContextOptions): Promise<BuildContext> {
  const { context, file } = options;
  if (context === "-" && file === "-") {
    throw new ExecuteError("bad-context", "invalid argument: can't use stdin for both build context and dockerfile");
  }
  if (context === "-") {
    return fromStream(standardInput(options), "-", options);
  }
  const git = parseGitUrl(context);
  if (git !== undefined && !existsSync(path.resolve(options.cwd, context))) {
    const commit = await gitCommit(git, options);
    const directory = await gitCheckout(git, commit, options.store.temporaryDirectory(), options);
    return fromSource(new DirectorySource("the build context", directory), context, options);
  }
  if (isUrl(context)) {
    return fromStream(options.store.content.read(await downloadedBlob(context, options)), context, options);
  }
  const place = path.resolve(options.cwd, context);
  const stat = statSync(place, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new ExecuteError("bad-context", `unable to prepare context: path ${JSON.stringify(context)} not found`);
  }
  if (stat.isDirectory()) {
    return fromDirectory(place, options);
  }
  if (!stat.isFile()) {
    throw new ExecuteError("bad-context", `unable to prepare context: ${JSON.stringify(context)} is neither a directory nor a file`, { hint: "a tar that another program writes is given on standard input: -" });
  }
  const start = await collect(createReadStream(place, { end: BLOCK - 1 }));
  if (formatOf(start) === "plain" && !isTarHeader(start)) {
    throw new ExecuteError("bad-context", `unable to prepare context: ${JSON.stringify(context)} is neither a directory nor a tar`, { hint: "a Dockerfile of another name is given with -f" });
  }
  return fromStream(createReadStream(place), place, options);
}

async function fromDirectory(directory: string, options: ContextOptions): Promise<BuildContext> {
  const dockerfile = await directoryDockerfile(directory, options);
  const ignoreFile = [dockerfile.path === undefined ? undefined : `${dockerfile.path}.dockerignore`, path.join(directory, ".dockerignore")].find((one) => one !== undefined && existsSync(one));
  return { ...(await directoryFiles("the build context", directory, ignoreFile, options)), dockerfile, slot: [directory, dockerfile.path ?? dockerfile.name] };
}

/** A directory's files without what an ignore file leaves out; `name` is for people. */
export async function directoryFiles(name: string, directory: string, ignoreFile: string | undefined, { store, signal }: ContextWorld): Promise<Pick<BuildContext, "source" | "ignore" | "keep">> {
  const known = store.fileDigests(directory);
  const source = new DirectorySource(name, directory, { known, signal });
  const keep = () => known.save(Date.now());
  if (ignoreFile === undefined) return { source, keep };
  const ignore = parseIgnore(await readText(ignoreFile, signal), path.basename(ignoreFile));
  return { source: new IgnoringSource(source, ignore), ignore, keep };
}

async function directoryDockerfile(directory: string, options: ContextOptions): Promise<{ text: string; name: string; path?: string }> {
  const { file, cwd } = options;
  if (file === "-") {
    return { text: (await collect(standardInput(options))).toString("utf8"), name: "Dockerfile" };
  }
  if (isUrl(file)) return { text: await downloadedText(file, options), name: withoutPassword(file) };
  const named = file === undefined ? undefined : path.resolve(cwd, file);
  const found = named ?? NAMES.map((name) => path.join(directory, name)).find((one) => existsSync(one)) ?? path.join(directory, NAMES[0]);
  const name = file ?? path.basename(found);
  try {
    return { text: await readText(found, options.signal), name, path: found };
  } catch (error) {
    throw error instanceof ExecuteError ? error : noDockerfile(name, directory, error);
  }
}

/** A stream where it is no plain file: it may be a pipe that is written later or never ends. */
async function readText(file: string, signal: AbortSignal): Promise<string> {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() === true && stat.size <= MAX_DOCKERFILE) return readFileSync(file, "utf8");
  const stream = isNamedPipe(file) ? readPipe(file, signal) : createReadStream(file, { signal });
  return (await collect(stream)).toString("utf8");
}

/** A pipe without a name, as of the shell's `<(…)`, is opened at once; one in a directory when somebody writes it. */
function isNamedPipe(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.isFIFO() !== true) return false;
  try {
    return realpathSync(file) !== "";
  } catch {
    return false;
  }
}

/** Another process waits for the writer: no signal would wake a thread of ours from open(2), and we could not end. */
function readPipe(file: string, signal: AbortSignal): Readable {
  const child = spawn("cat", ["--", file], { stdio: ["ignore", "pipe", "inherit"], signal });
  child.on("error", (error) => child.stdout.destroy(error));
  return child.stdout;
}

function noDockerfile(name: string, directory: string, cause: unknown): ExecuteError {
  const reason = { ENOENT: "no such file or directory", EISDIR: "is a directory", EACCES: "permission denied" }[errnoOf(cause) ?? ""] ?? String(cause);
  const near = nearest(path.basename(name), new DirectorySource("", directory).children(bytePath("")).map(({ entry }) => entry.path));
  return new ExecuteError("bad-context", `failed to read dockerfile: open ${name}: ${reason}`, {
    cause,
    hint: near === undefined ? "another file is named with -f" : `did you mean -f ${near}?`,
  });
}

/** A stream is a Dockerfile alone, with an empty context, or a tar of the context (docker build, Build with -). */
async function fromStream(stream: Readable, place: string, options: ContextOptions): Promise<BuildContext> {
  const { store } = options;
  const { start: head, all: whole } = await peek(stream as AsyncIterable<Buffer>, BLOCK);
  if (formatOf(head) === "plain" && !isTarHeader(head.subarray(0, BLOCK))) {
    const text = (await collect(whole)).toString("utf8");
    return { source: new LooseSource("the build context (which is empty: only a Dockerfile was given)", []), dockerfile: { text, name: "Dockerfile" }, slot: [place] };
  }
  const diffId = await store.layers.putTar(decompressStream(whole));
  return fromSource(await new LayerTrees(store.layers).source("the build context", [diffId]), place, options);
}

/** A context that others packed: its Dockerfile and ignore file are looked up inside it, links and all. */
async function fromSource(source: FileSource, place: string, options: ContextOptions): Promise<BuildContext> {
  const { file } = options;
  if (file === "-") {
    const text = (await collect(standardInput(options))).toString("utf8");
    return { source: await withoutIgnored(source, [".dockerignore"]), dockerfile: { text, name: "Dockerfile" }, slot: [place] };
  }
  if (isUrl(file)) {
    return { source: await withoutIgnored(source, [".dockerignore"]), dockerfile: { text: await downloadedText(file, options), name: withoutPassword(file) }, slot: [place, file] };
  }
  const name = file ?? NAMES.find((one) => follow(source, bytePath(one)) !== undefined) ?? NAMES[0];
  const entry = follow(source, bytePath(path.posix.normalize(name)))?.entry;
  if (entry?.type !== "file" || entry.size > MAX_DOCKERFILE) {
    throw new ExecuteError("bad-context", `failed to read dockerfile: open ${name}: no such file in ${source.name}`);
  }
  const text = (await collect(source.read(entry))).toString("utf8");
  return { source: await withoutIgnored(source, [`${name}.dockerignore`, ".dockerignore"]), dockerfile: { text, name }, slot: [place, name] };
}

/** A tar's files without what the first ignore file that is there leaves out. */
async function withoutIgnored(source: FileSource, names: readonly string[]): Promise<FileSource> {
  for (const name of names) {
    const found = follow(source, bytePath(path.posix.normalize(name)))?.entry;
    if (found?.type === "file") {
      return new IgnoringSource(source, parseIgnore((await collect(source.read(found))).toString("utf8"), path.posix.basename(name)));
    }
  }
  return source;
}

function isUrl(file: string | undefined): file is string {
  return file !== undefined && /^https?:\/\//.test(file);
}

async function downloadedText(url: string, options: ContextOptions): Promise<string> {
  return (await collect(options.store.content.read(await downloadedBlob(url, options)))).toString("utf8");
}

async function downloadedBlob(url: string, { store, signal, env }: ContextOptions): Promise<Digest> {
  const { content, records, leases } = store;
  return (await download(url, { content, records, leases, signal, env, progress: () => undefined })).digest;
}

function standardInput({ stdin }: ContextOptions): Readable {
  if (stdin === undefined) {
    throw new ExecuteError("bad-context", `"-" reads standard input, and there is none`);
  }
  return stdin;
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > MAX_DOCKERFILE) {
      throw new ExecuteError("bad-context", `a Dockerfile or ignore file has more than ${MAX_DOCKERFILE} bytes`);
    }
  }
  return Buffer.concat(chunks);
}
