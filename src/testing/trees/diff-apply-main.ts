import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { DiffId } from "../../oci/digest.ts";
import { findErofsObstacle, mountErofs } from "../../sandbox/erofs.ts";
import { mountOverlay, type Overlay } from "../../sandbox/overlay.ts";
import { unmount } from "../../sys/mounts.ts";
import { diffDirectory } from "../../store/layers/diff-directory.ts";
import { erofsImage } from "../../store/layers/erofs/erofs-image.ts";
import { indexOf } from "../../store/layers/ingest-tar.ts";
import { LayerIndex } from "../../store/layers/layer-index.ts";
import { Tree } from "../../store/layers/tree.ts";
import { unpackLayer } from "../../store/layers/unpack.ts";
import { layoutOf } from "../oci-layout.ts";
import { applyChanges, changes, type Change } from "./change.ts";
import { snapshot } from "./snapshot.ts";

/*
 * `diff-apply-main.ts DIALECT RUNS SEED DIRECTORY`, in a mount namespace of its own and, for the dialect "user", a user
 * namespace: apply(diff(a, b), a) is b, over random trees a and random work on them, seen through overlayfs over
 * directories and over EROFS images, system tar, umoci and podman.
 */

const [dialectWord, runs, seed, directory] = process.argv.slice(2) as [string, string, string, string];
const dialect = dialectWord === "trusted" ? "trusted" : "user";
const root = dialect === "trusted";

const images = root && findErofsObstacle(directory) === undefined;

/** Podman takes a second a tree: it looks at the first few. */
let podmanRuns = 3;

interface Layer {
  readonly tar: string;
  readonly diffId: DiffId;
  readonly directory: string;
}

/** An upper directory as a layer, and that layer unpacked again. */
async function layerOf(upper: string, work: string, lowers: readonly string[]): Promise<Layer> {
  const tar = join(work, "tar");
  const index = join(work, "index");
  const { diffId, size } = await diffDirectory(upper, { dialect, tarPath: tar, indexPath: index, lowers });
  const unpacked = join(work, "layer");
  mkdirSync(unpacked);
  await unpackLayer({ index, parts: [{ file: tar, offset: 0, length: size }] }, unpacked, { dialect, owners: true });
  return { tar, diffId, directory: unpacked };
}

function overlay(directory: string, lowers: readonly string[]): Overlay & Disposable {
  const made = mountOverlay({ lowers, directory, dialect });
  return { ...made, [Symbol.dispose]: () => unmount(made.merged) };
}

async function check(first: readonly Change[], second: readonly Change[]): Promise<void> {
  const place = mkdtempSync(join(directory, "case-"));
  const fresh = (name: string): string => {
    const path = join(place, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  try {
    const a = fresh("a");
    applyChanges(a, first);
    const before = snapshot(a);
    const lower = await layerOf(a, fresh("layer-a"), []);
    assert.deepEqual(snapshot(lower.directory), before, "a layer unpacked is the tree that it was made of");
    if (root) assert.deepEqual(snapshot(systemTar(lower.tar, fresh("tar"))), before, "system tar unpacks the same tree");

    const step = fresh("step");
    {
      using mounted = overlay(step, [lower.directory]);
      applyChanges(mounted.merged, second);
    }
    let after: readonly string[];
    let upper: string;
    {
      // Mounted anew: the kernel remembers a lower file as one that its new link is not.
      using mounted = overlay(step, [lower.directory]);
      after = snapshot(mounted.merged);
      upper = mounted.upper;
    }
    const made = await layerOf(upper, fresh("layer-b"), [lower.directory]);
    {
      using mounted = overlay(fresh("again"), [lower.directory, made.directory]);
      assert.deepEqual(snapshot(mounted.merged), after, "apply(diff(a, b), a) is b");
    }
    assert.deepEqual(await treePaths([lower, made]), after.map((line) => line.slice(0, line.indexOf('" ') + 1)), "the tree made of the indexes has the paths of b");
    if (root && images) {
      using first = await inPlace(lower, fresh("image-a"));
      using second = await inPlace(made, fresh("image-b"));
      using mounted = overlay(fresh("images"), [first.directory, second.directory]);
      assert.deepEqual(snapshot(mounted.merged), after, "layers mounted in place are b");
    }
    if (root) {
      const layout = layoutOf([lower.tar, made.tar].map((tar) => readFileSync(tar)), fresh("layout"));
      const timeless = after.map((line) => line.replace(/^(".*" directory \d+ \d+:\d+) @-?\d+/, "$1"));
      if (has("umoci")) assert.deepEqual(snapshot(umoci(layout, join(place, "umoci")), { directoryTimes: false }), timeless, "umoci sees b");
      if (podmanRuns > 0 && has("podman") && has("skopeo")) {
        podmanRuns -= 1;
        // Its storage has no time before 1970. Its copies of lower layers lose a file's attributes but capabilities, all of
        // those of pipes and devices, whose further names are others there; a directory that is replaced by another keeps
        // those of the first. All this umoci and tar have told of above.
        const plain = (line: string) => {
          const isFile = /^"(?:[^"\\]|\\.)*" file /.test(line);
          const kept = isFile ? line.replaceAll(/ (?!security\.capability=)[a-z]+\.\S+=[0-9a-f]*/g, "") : line.replace(/ = "(?:[^"\\]|\\.)*"$/, "").replace(/(?: [a-z]+\.\S+=[0-9a-f]*)+$/, "");
          return kept.replace(/ @-\d+/, " @0");
        };
        assert.deepEqual(snapshot(podman(layout, fresh("podman")), { directoryTimes: false }).map(plain), timeless.map(plain), "podman sees b");
      }
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** The paths of the tree that COPY --from and others see, which is made of the layers' indexes alone. */
async function treePaths(layers: readonly Layer[]): Promise<readonly string[]> {
  const indexes = await Promise.all(layers.map(async ({ tar, diffId }) => ({ diffId, index: new LayerIndex(await indexOf(createReadStream(tar))) })));
  return [...new Tree(indexes).walk()].map(({ entry }) => `/${entry.path}`).sort((a, b) => (a < b ? -1 : 1)).map((path) => JSON.stringify(path));
}

/** A layer's tar mounted as it lies, through an EROFS image of its metadata. */
async function inPlace({ tar }: Layer, work: string): Promise<{ readonly directory: string } & Disposable> {
  const made = erofsImage({ entries: await indexOf(createReadStream(tar)), devices: [{ size: statSync(tar).size }] });
  assert(made.kind === "image", JSON.stringify(made));
  const image = join(work, "image");
  writeFileSync(image, Buffer.concat([...made.chunks()]));
  const target = join(work, "mounted");
  mkdirSync(target);
  mountErofs({ image, devices: [tar] }, target);
  return { directory: target, [Symbol.dispose]: () => unmount(target) };
}

function systemTar(tar: string, target: string): string {
  run("tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-permissions", "-xf", tar, "-C", target);
  return target;
}

function umoci(layout: string, target: string): string {
  run("umoci", "raw", "unpack", "--image", `${layout}:x`, target);
  return target;
}

/** The image in a storage of podman's own, brought there by skopeo, as podman mounts it. */
function podman(layout: string, work: string): string {
  const storage = `[vfs@${work}/root+${work}/run]`;
  run("skopeo", "copy", "--quiet", `oci:${layout}:x`, `containers-storage:${storage}localhost/x:1`);
  return run("podman", "--root", `${work}/root`, "--runroot", `${work}/run`, "--storage-driver", "vfs", "image", "mount", "localhost/x:1").trim();
}

function has(command: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((place) => existsSync(join(place, command)));
}

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

await fc.assert(fc.asyncProperty(changes(root), changes(root), check), { numRuns: Number(runs), seed: Number(seed), endOnFailure: false });
console.log(`${runs} trees`);
