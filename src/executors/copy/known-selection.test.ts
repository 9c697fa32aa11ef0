import { chmodSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseIgnore } from "../../dockerfile/ignore.ts";
import type { Digest } from "../../oci/digest.ts";
import { openStore, type Store } from "../../store/store.ts";
import { DirectorySource } from "../context/directory-source.ts";
import { IgnoringSource } from "../context/ignoring-source.ts";
import { excluding } from "./exclude.ts";
import { select } from "./select.ts";
import { selectionDigest } from "./selection-digest.ts";

/* What a COPY chose is known again by a signature; it never stands for anything else than what a look at each file gives. */

let place: string;
let store: Store;
beforeEach(async () => {
  place = mkdtempSync(path.join(tmpdir(), "laminate-known-"));
  store = await openStore(path.join(place, "store"));
});
afterEach(async () => {
  vi.useRealTimers();
  await store[Symbol.asyncDispose]();
  rmSync(place, { recursive: true });
});

interface Choice {
  readonly ignore?: string;
  readonly exclude?: readonly string[];
}

/** The digest of COPY . with what earlier builds know; and whether any file's digest had to be found for it. */
async function digest(context: string, { ignore = "", exclude = [] }: Choice = {}, fresh = false): Promise<{ readonly digest: Digest; readonly looked: boolean }> {
  const known = store.fileDigests(context);
  const inner = new DirectorySource("the build context", context, fresh ? {} : { known });
  let looked = false;
  const digests = inner.digests.bind(inner);
  inner.digests = (entries) => {
    looked = true;
    return digests(entries);
  };
  const source = ignore === "" ? inner : new IgnoringSource(inner, parseIgnore(ignore, ".dockerignore"));
  const selections = excluding(source, select(source, "."), exclude);
  const found = await selectionDigest(source, selections, fresh ? undefined : store.knownSelections);
  known.save(Date.now());
  return { digest: found.digest, looked };
}

function makeContext(): string {
  const context = path.join(place, "context");
  for (const directory of ["a/deep", "b", "empty", "node_modules/x"]) mkdirSync(path.join(context, directory), { recursive: true });
  for (const file of ["top", "a/one", "a/two", "a/deep/three", "b/debug.log", "node_modules/x/y"]) writeFileSync(path.join(context, file), file);
  symlinkSync("one", path.join(context, "a/link"));
  linkSync(path.join(context, "a/one"), path.join(context, "b/same"));
  return context;
}

/** All that was written until now is old, and what is written from now on has other times: the clock that dates files ticks at least every ten milliseconds. */
async function later(): Promise<void> {
  await sleep(20);
  stopClock(10_000);
}

/** However long things take, it is no later than so much from now. */
function stopClock(from = 0): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + from });
}

type Edit = (context: string) => void;

const EDITS: Readonly<Record<string, Edit>> = {
  "a file's content, with its old time": (context) => {
    writeFileSync(path.join(context, "a/two"), "a/owt");
    utimesSync(path.join(context, "a/two"), 1, 1);
  },
  "a new file": (context) => writeFileSync(path.join(context, "a/deep/new"), ""),
  "a file that goes": (context) => unlinkSync(path.join(context, "a/deep/three")),
  "a file of another name": (context) => renameSync(path.join(context, "a/two"), path.join(context, "a/twp")),
  "a file in another directory": (context) => renameSync(path.join(context, "a/two"), path.join(context, "b/two")),
  "a file's mode": (context) => chmodSync(path.join(context, "a/two"), 0o600),
  "a directory's mode": (context) => chmodSync(path.join(context, "empty"), 0o700),
  "a new directory": (context) => mkdirSync(path.join(context, "b/empty")),
  "a directory that becomes a file": (context) => {
    rmSync(path.join(context, "empty"), { recursive: true });
    writeFileSync(path.join(context, "empty"), "");
  },
  "a link that leads elsewhere": (context) => {
    unlinkSync(path.join(context, "a/link"));
    symlinkSync("two", path.join(context, "a/link"));
  },
  "two names of a file that become two files": (context) => {
    unlinkSync(path.join(context, "b/same"));
    writeFileSync(path.join(context, "b/same"), "a/one");
  },
  "two files that become one": (context) => {
    unlinkSync(path.join(context, "a/two"));
    linkSync(path.join(context, "top"), path.join(context, "a/two"));
  },
};

test.each(Object.keys(EDITS))("%s is seen", async (name) => {
  const context = makeContext();
  await later();
  const before = await digest(context);
  expect(await digest(context)).toEqual({ digest: before.digest, looked: false });
  EDITS[name]!(context);
  const after = await digest(context);
  expect(after.digest).toBe((await digest(context, {}, true)).digest);
  expect(after.digest).not.toBe(before.digest);
  await later();
  await digest(context);
  expect(await digest(context)).toEqual({ digest: after.digest, looked: false });
});

test("what was touched only is looked at, and is the same", async () => {
  const context = makeContext();
  await later();
  const before = await digest(context);
  utimesSync(path.join(context, "a/two"), 1, 1);
  expect(await digest(context)).toEqual({ digest: before.digest, looked: true });
});

test("what is left out may change unseen, what else is left out may not", async () => {
  const context = makeContext();
  await later();
  const ignore = "*.log\n**/*.log\nnode_modules";
  const before = await digest(context, { ignore });
  writeFileSync(path.join(context, "b/debug.log"), "more");
  writeFileSync(path.join(context, "node_modules/x/z"), "");
  writeFileSync(path.join(context, "new.log"), "");
  expect(await digest(context, { ignore })).toEqual({ digest: before.digest, looked: false });
  const more = await digest(context, { ignore: `${ignore}\na/two` });
  expect(more.digest).toBe((await digest(context, { ignore: `${ignore}\na/two` }, true)).digest);
  expect(more.digest).not.toBe(before.digest);
});

test("two copies that leave out different files are told apart", async () => {
  const context = makeContext();
  await later();
  const choices: readonly Choice[] = [{ exclude: ["a"] }, { exclude: ["b"] }, { exclude: ["**/one"] }, {}];
  const digests = [];
  for (const choice of [...choices, ...choices]) {
    const found = await digest(context, choice);
    expect(found.digest).toBe((await digest(context, choice, true)).digest);
    digests.push(found.digest);
  }
  expect(new Set(digests).size).toBe(choices.length);
});

test("a file so young that it may change again with the same times is no ground to know anything by", async () => {
  stopClock();
  const context = makeContext();
  await digest(context);
  expect((await digest(context)).looked).toBe(true);
});

test("a context of many directories, listed with a thread's help, has the digest it has without", async () => {
  const context = path.join(place, "wide");
  for (let number = 0; number < 300; number += 1) {
    mkdirSync(path.join(context, `d${number}/e`), { recursive: true });
    writeFileSync(path.join(context, `d${number}/e/é${number}`), String(number));
    writeFileSync(path.join(context, `d${number}/empty`), "");
  }
  await later();
  const before = await digest(context);
  expect(before.digest).toBe((await digest(context, {}, true)).digest);
  expect(await digest(context)).toEqual({ digest: before.digest, looked: false });
});
