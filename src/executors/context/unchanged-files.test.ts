import { readdirSync, readFileSync, renameSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { bytePath } from "../../base/byte-path.ts";
import { BuildRig } from "../../testing/builds.ts";
import { digestOf } from "../../oci/digest.ts";
import { FileDigests } from "../../store/file-digests.ts";
import { DirectorySource } from "./directory-source.ts";

/* A file that did not change since an earlier build is not read; one that did is, however it tries to hide that. */

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

/** Old enough that its digest is kept for sure: see src/store/file-digests.ts. */
const SETTLED = 300;
const DOCKERFILE = "FROM scratch\nCOPY file /\n";

async function text(directory: string): Promise<string> {
  await rig.ok(["build", "-q", "-t", "files", directory]);
  return (await rig.saved("files")).text("file");
}

/** The files that hold digests, each with its content. */
function kept(): Buffer[] {
  const place = path.join(rig.root, "file-digests");
  return readdirSync(place).map((name) => readFileSync(path.join(place, name)));
}

test("a change in place within a tick of the clock, of the same size and with the old time, is seen", async () => {
  const directory = rig.context({ Dockerfile: DOCKERFILE, file: "one" });
  const { atime, mtime } = statSync(path.join(directory, "file"));
  for (const content of ["one", "two", "six", "ten"]) {
    writeFileSync(path.join(directory, "file"), content);
    utimesSync(path.join(directory, "file"), atime, mtime);
    expect(await text(directory)).toBe(content);
  }
});

test("so is one in a file whose digest was kept for sure", async () => {
  const directory = rig.context({ Dockerfile: DOCKERFILE, file: "one" });
  const old = new Date(1_000_000_000_000);
  utimesSync(path.join(directory, "file"), old, old);
  await sleep(SETTLED);
  expect(await text(directory)).toBe("one");
  writeFileSync(path.join(directory, "file"), "two");
  utimesSync(path.join(directory, "file"), old, old);
  expect(await text(directory)).toBe("two");
});

test("hundreds of changes in a row, several within each tick, are all seen", async () => {
  const directory = rig.context({ file: "000" });
  const known = new FileDigests(path.join(directory, "..", "digests-of-changes"), () => path.join(directory, "..", "new-digests"));
  for (let change = 0; change < 500; change += 1) {
    const content = String(change).padStart(3, "0");
    writeFileSync(path.join(directory, "file"), content);
    utimesSync(path.join(directory, "file"), 1, 1);
    const source = new DirectorySource("the build context", directory, { known });
    const [file] = source.children(bytePath(""));
    expect(await source.digests([file!.entry])).toEqual([digestOf(content)]);
  }
});

test("digests that a crash or a stranger damaged are not believed", async () => {
  const directory = rig.context({ Dockerfile: DOCKERFILE, file: "one" });
  await sleep(SETTLED);
  expect(await text(directory)).toBe("one");
  const place = path.join(rig.root, "file-digests");
  for (const [number, name] of readdirSync(place).entries()) {
    const file = path.join(place, name);
    if (number % 2 === 0) truncateSync(file, 100);
    else writeFileSync(file, readFileSync(file).fill(0x61, 64, 96));
  }
  expect(await text(directory)).toBe("one");
  writeFileSync(path.join(directory, "file"), "two");
  expect(await text(directory)).toBe("two");
});

test("a directory that becomes a link while it is read leads nowhere", async () => {
  const directory = rig.context({ "dir/file": "inside", "elsewhere/file": "beyond" });
  const source = new DirectorySource("the build context", directory);
  const [file] = source.children(bytePath("dir"));
  renameSync(path.join(directory, "dir"), path.join(directory, "away"));
  symlinkSync("elsewhere", path.join(directory, "dir"));
  await expect(source.digests([file!.entry])).rejects.toThrow('"dir/file" was replaced while it was read');
});

test("a build in which nothing is new leaves the kept digests as they are", async () => {
  const directory = rig.context({ Dockerfile: DOCKERFILE, file: "one" });
  await text(directory);
  const before = kept();
  await text(directory);
  expect(kept()).toEqual(before);
});
