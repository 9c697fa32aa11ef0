import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImageChange } from "../api/diff.ts";
import type { ImageLayers } from "../api/layers.ts";
import { BUSYBOX, BuildRig } from "../testing/builds.ts";

/* Every layer shows what it holds. */

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const DOCKERFILE = ["FROM busybox", "COPY big kept /data/", "RUN rm /data/big; chmod 600 /data/kept; ln /data/kept /data/again", "COPY kept /copy", "RUN rm -r /data; mkdir /data; echo new > /data/new"];
const FILES = { Dockerfile: `${DOCKERFILE.join("\n")}\n`, big: "x".repeat(5000), kept: "kept\n" };

describe.skipIf(BUSYBOX === undefined)("the layers of an image", () => {
  test("are shown with what they add, change and delete, and with what later ones make vain", async () => {
    await rig.built("layers", FILES);
    const { layers } = JSON.parse(await rig.ok(["layers", "--format", "json", "layers"])) as ImageLayers;
    const of = (number: number) => layers[number - 1]!.changes.map(({ kind, path, hiddenBy }) => `${kind} ${path}${hiddenBy === undefined ? "" : ` ${hiddenBy}`}`);
    expect(of(2)).toEqual(["added /data", "added /data/big 3", "added /data/kept 3"]);
    expect(of(3)).toEqual(expect.arrayContaining(["added /data/again 5", "deleted /data/big", "changed /data/kept 5"]));
    expect(of(4)).toEqual(["added /copy"]);
    expect(of(5)).toContain("added /data/new");
    expect(layers.map(({ hidden }) => hidden).slice(1)).toEqual([5005, 5, 0, 0]);
    const text = await rig.ok(["layers", "--files", "layers"]);
    expect(text).toMatch(/^2 {2}\p{Hex}{12} {2}5kB {2}COPY big kept \/data\/ .*\n {4}3 added; 5kB of it replaced or deleted by later layers\n/mu);
    expect(text).toContain("    A /data/big  5kB  (hidden by layer 3)\n");
    expect(text).toMatch(/^5 layers, .*; 5\.01kB replaced or deleted by later layers$/m);
  });

  test("name files that are in the image twice", async () => {
    await rig.built("twice", { Dockerfile: "FROM scratch\nCOPY a b c /\n", a: "same".repeat(100), b: "same".repeat(100), c: "other" });
    expect(await rig.ok(["layers", "twice"])).toContain("2 times 400B: /a, /b\n");
  });
});

describe.skipIf(BUSYBOX === undefined)("two images", () => {
  test("are told apart by paths, contents, modes, types and links", async () => {
    await rig.built("one", { Dockerfile: "FROM busybox\nCOPY a b c d /x/\nRUN ln -s a /x/link; chmod 644 /x/d; ln /x/d /x/hard; rm /x/c\n", a: "1", b: "b", c: "c", d: "d" });
    await rig.built("two", { Dockerfile: "FROM busybox\nCOPY a d e /x/\nRUN ln -s d /x/link; cp /x/d /x/hard; chmod 600 /x/d; mkdir /x/b\n", a: "two", d: "d", e: "e" });
    const changes = (await rig.ok(["diff", "one", "two"])).split("\n").filter((line) => line.includes("/x/"));
    expect(changes).toEqual(["C /x/a  (content) 1B -> 3B", "C /x/b  (type file -> directory) 1B -> 0B", "C /x/d  (mode 644 -> 600)", "A /x/e  1B", "C /x/link  (link a -> d)"]);
    const told = JSON.parse(await rig.ok(["diff", "--format", "json", "one", "two"])) as ImageChange[];
    expect(told.find(({ path }) => path === "/x/d")).toEqual({ kind: "changed", path: "/x/d", what: [{ fact: "mode", before: "644", after: "600" }], before: 1, after: 1 });
    expect(await rig.ok(["diff", "one", "one"])).toBe("");
    expect(await rig.run(["diff", "one", "ome"])).toMatchObject({ code: 1 });
  });
});
