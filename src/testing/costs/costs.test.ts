import { createCipheriv } from "node:crypto";
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, tool, writeFiles } from "../builds.ts";
import { type RegistryProxy, registryProxy } from "../registry-proxy.ts";
import { startRegistry } from "../registry.ts";
import { enterAsUser } from "../sandbox/as-user.ts";
import { BIN } from "../spawned.ts";
import { type Traced, traced } from "./traced.ts";

/*
 * A rebuild costs what the change costs: counted, not timed, so the figures are exact and a regression is seen on any machine.
 * strace counts what is opened, read and written; a proxy before the registry what is sent.
 */

const FILES = Array.from({ length: 300 }, (_, index) => `src/d${index % 10}/f${String(index).padStart(3, "0")}.txt`);
const SIZE = 20_000;
const DOCKERFILE = "ARG BASE=one\nFROM $BASE\nARG WORD=one\nCOPY src /src\nRUN cat /src/d0/f000.txt /newer > /word; echo $WORD >> /word\n";
/** Old enough that a file's digest is kept for sure: see src/store/file-digests.ts. */
const SETTLED = 300;
/** Of all files and directories, so that the tars have the same bytes in each run. */
const TIME = 1_700_000_000;

/** A change to a context, or to how it is built, and what the next build does about it. */
interface Change {
  make?(context: string): void;
  readonly flags?: readonly string[];
  readonly costs: Costs;
}

interface Costs {
  /** Times that a file or directory that is copied was asked for what it is. */
  readonly looked: number;
  /** Files copied that were opened, and bytes read from them. */
  readonly opened: number;
  readonly read: number;
  /** Bytes of layers' tars written. */
  readonly written: number;
  readonly ranStep: boolean;
}

/** A member of a tar: its header and its content; where the time has a fraction of a second, a PAX header and its record before. */
const member = (size: number, exactTime: boolean) => (exactTime ? 1024 : 0) + 512 + Math.ceil(size / 512) * 512;
const TAR_END = 1024;
const RUN_LAYER = member(SIZE + 8, true) + TAR_END; // RUN writes /word
const COPY_LAYER = 300 * member(SIZE, false) + 11 * member(0, false) + TAR_END;

/** A file costs one lstat, and so does a directory. */
const NOTHING: Costs = { looked: 310, opened: 0, read: 0, written: 0, ranStep: false };
/** A file that is new is read twice: for its digest, and for the layer, when it must still have that digest. */
const COLD: Costs = { ...NOTHING, opened: 600, read: 600 * SIZE, written: COPY_LAYER + RUN_LAYER, ranStep: true };
/** The rest of the layer is the earlier one's. */
const ONE: Costs = { ...NOTHING, opened: 2, read: 2 * SIZE, written: member(SIZE, true) + TAR_END + RUN_LAYER, ranStep: true };
const ONLY_RUN: Costs = { ...NOTHING, written: RUN_LAYER, ranStep: true };

const CHANGES: Readonly<Record<string, Change>> = {
  "nothing changed": { costs: NOTHING },
  "one file changed": { make: (context) => writeFileSync(path.join(context, FILES[7]!), "12345678", { flag: "r+" }), costs: { ...ONE, opened: 3, read: 3 * SIZE } }, // once more to say which lines of it changed
  // The file's directory has another time.
  "one file added": { make: (context) => writeFileSync(path.join(context, "src/d0/new.txt"), contentOf(300)), costs: { ...ONE, looked: ONE.looked + 1, written: ONE.written + member(0, true) } },
  "the mode of one file changed": { make: (context) => chmodSync(path.join(context, FILES[7]!), 0o755), costs: { ...ONE, written: member(SIZE, false) + TAR_END + RUN_LAYER } },
  // All are read to see that they say the same, and that ends it.
  "all files touched": { make: (context) => FILES.forEach((name) => utimesSync(path.join(context, name), TIME + 1, TIME + 1)), costs: { ...NOTHING, opened: 300, read: 300 * SIZE } },
  "one file ignored": { make: (context) => writeFileSync(path.join(context, ".dockerignore"), `${FILES[7]!}\n`), costs: { ...NOTHING, written: TAR_END + RUN_LAYER, ranStep: true } },
  "something ignored that nothing copies": { make: (context) => writeFileSync(path.join(context, ".dockerignore"), "README.md\n"), costs: NOTHING },
  "a comment in the Dockerfile": { make: (context) => appendFileSync(path.join(context, "Dockerfile"), "# the end\n"), costs: NOTHING },
  "another build argument": { flags: ["--build-arg", "WORD=two"], costs: ONLY_RUN },
  "another base image": { flags: ["--build-arg", "BASE=two"], costs: ONLY_RUN },
};
const CHANGED = "one file changed";
/** Of the layer's 6 MB, what is compressed again after that: from the block with the change to where the cuts between blocks are as before. */
const CHANGED_BLOCKS = 2_446_676;

/** What is started: a runtime's own restarts left out. */
const PROGRAMS = {
  cached: ["laminate", "node"],
  root: ["laminate", "node", "node", "runtime", "sh", "unshare"],
  "an ordinary user": ["laminate", "newgidmap", "newuidmap", "node", "node", "runtime", "sh", "unshare", "unshare"],
};

const missing = BUSYBOX === undefined || process.geteuid?.() !== 0;
describe.skipIf(missing).each([
  ["root", Object.keys(CHANGES)],
  ["an ordinary user", ["nothing changed", CHANGED]],
] as const)("what a build costs as %s", (who, changes) => {
  const closing = new AsyncDisposableStack();
  let directory: string;
  let argv: readonly string[];
  let proxy: RegistryProxy;
  let cold: Traced;

  const contextOf = (change: string) => path.join(directory, change);
  const command = async (...args: readonly string[]) => await traced(BIN, [...argv, ...args], process.env);
  const image = () => `localhost:${proxy.port}/me/costs:latest`;
  const build = (change: string) => ["build", "-q", "--network=none", "-t", image(), ...(CHANGES[change]!.flags ?? []), contextOf(change)];
  const costsOf = (seen: Traced, change: string): Costs => costs(seen, contextOf(change), PROGRAMS[who]);

  /** Builds a context again and pushes what comes out. */
  async function push(change: string) {
    tool(argv[0]!, [...argv.slice(1), ...build(change)]);
    proxy.log.length = 0;
    const seen = await command("push", "-q", image());
    const { log } = proxy;
    const count = (method: string) => log.filter((one) => one.method === method).length;
    const sent = { asked: count("HEAD"), began: count("POST"), bytes: sum(log.map(({ contentLength }) => contentLength)) };
    const get = async (what: string) => await (await fetch(`http://localhost:${proxy.port}/v2/me/costs/${what}`, { headers: { accept: "application/vnd.oci.image.manifest.v1+json" } })).text();
    const manifest = await get("manifests/latest");
    const { config, layers } = JSON.parse(manifest) as { readonly config: Sized; readonly layers: readonly Sized[] };
    const { rootfs } = JSON.parse(await get(`blobs/${config.digest}`)) as { readonly rootfs: { readonly diff_ids: readonly string[] } };
    return {
      seen: { compressed: seen.read(/\/layers\/[^/]*\/tar/), programs: seen.programs },
      sent, manifest: manifest.length, config: config.size, layers: layers.map(({ size }) => size), diffIds: rootfs.diff_ids,
    };
  }

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "laminate-costs-"));
    closing.defer(() => rmSync(directory, { recursive: true, force: true }));
    chmodSync(directory, 0o755);
    writeContexts(directory, changes);
    const written = Date.now();
    argv = [...(who === "root" ? [] : closing.use(await enterAsUser(directory)).prefix), BIN, "--root", path.join(directory, "store")];
    proxy = closing.use(await registryProxy(closing.use(await startRegistry()).port));
    const plainly = (...args: readonly string[]) => void tool(argv[0]!, [...argv.slice(1), ...args]);
    await makeBases(directory, plainly);
    await sleep(Math.max(0, SETTLED + written - Date.now()));
    cold = await command(...build("nothing changed"));
    for (const change of changes) plainly("build", "-q", "--network=none", "-t", image(), contextOf(change));
    for (const change of changes) CHANGES[change]!.make?.(contextOf(change));
    await sleep(SETTLED);
  });
  afterAll(() => closing.disposeAsync());

  test("a cold build", () => expect(costsOf(cold, "nothing changed")).toEqual(COLD));

  test.each(changes)("%s", async (change) => expect(costsOf(await command(...build(change)), change)).toEqual(CHANGES[change]!.costs));

  test.runIf(who === "root")("a push sends each blob once, and compresses each layer once; again, it sends a manifest; after a change, the layer that changed, of which it compresses blocks", async () => {
    const first = await push("nothing changed");
    expect(first.layers).toHaveLength(4); // the two of the base image, COPY's and RUN's
    expect(first.seen.compressed).toBe(sum(tarSizes(path.join(directory, "store"), first.diffIds)));
    expect(first.sent).toEqual({ asked: 5, began: 5, bytes: sum(first.layers) + first.config + first.manifest });

    const again = await push("nothing changed");
    expect(again.seen.compressed).toBe(0);
    expect(again.sent).toEqual({ asked: 5, began: 0, bytes: again.manifest });

    // RUN left what it left before, so its layer is the earlier one.
    const after = await push(CHANGED);
    expect(after.seen.compressed).toBe(CHANGED_BLOCKS);
    expect(after.sent).toEqual({ asked: 5, began: 2, bytes: after.layers[2]! + after.config + after.manifest });
  });
});

interface Sized {
  readonly digest: string;
  readonly size: number;
}

function costs(seen: Traced, context: string, ran: readonly string[]): Costs {
  const programs = seen.programs.filter((name) => name !== "exe").map((name) => (["runc", "crun"].includes(name) ? "runtime" : name)).sort();
  const ranStep = programs.length > PROGRAMS.cached.length;
  expect(programs).toEqual([...(ranStep ? ran : PROGRAMS.cached)].sort());
  const copied = path.join(context, "src");
  return { looked: seen.looked(copied), opened: seen.opened(copied), read: seen.read(new RegExp(`^${copied}/`)), written: seen.written(/\/(?:layer\.)?tar$/), ranStep };
}

/** The same files in a context of each change. */
function writeContexts(directory: string, changes: readonly string[]): void {
  const original = path.join(directory, "original");
  mkdirSync(original);
  writeFiles(original, { Dockerfile: DOCKERFILE, ...Object.fromEntries(FILES.map((name, index) => [name, contentOf(index)])) });
  for (const name of [...FILES, ...FILES.map((file) => path.dirname(file)), "src"]) utimesSync(path.join(original, name), TIME, TIME);
  for (const change of changes) tool("cp", ["-a", original, path.join(directory, change)]);
}

/** Text that compresses a little, other in each file and the same in each run. */
function contentOf(index: number): string {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, index % 256), Buffer.alloc(16, index >> 8));
  return cipher.update(Buffer.alloc((SIZE * 3) / 4)).toString("base64");
}

/** Loads two images `one` and `two`, which differ in a file that RUN reads. */
async function makeBases(directory: string, laminate: (...args: readonly string[]) => void): Promise<void> {
  await using rig = new BuildRig();
  await rig.busybox();
  for (const name of ["one", "two"]) await rig.ok(["build", "-q", "--network=none", "-t", name, rig.context({ Dockerfile: "FROM busybox\nCOPY newer /newer\n", newer: `${name}\n` })]);
  const archive = path.join(directory, "bases.tar");
  await rig.ok(["save", "-o", archive, "one", "two"]);
  chmodSync(archive, 0o644);
  laminate("load", "-i", archive);
}

function tarSizes(store: string, diffIds: readonly string[]): number[] {
  return diffIds.map((diffId) => statSync(path.join(store, "layers", diffId.replace("sha256:", ""), "tar")).size);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
