import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mediaTypes } from "../oci/descriptor.ts";
import { digestOf } from "../oci/digest.ts";
import { parseReference } from "../oci/reference.ts";
import type { NamedImage } from "./layout.ts";
import { writeOciDirectory } from "./oci-directory.ts";

describe("an image layout directory", () => {
  let place: string;
  beforeEach(() => void (place = mkdtempSync(path.join(tmpdir(), "laminate-oci-directory-"))));
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  const blob = (text: string, mediaType: string = mediaTypes.layerGzip) => {
    const bytes = Buffer.from(text);
    return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, async *open() { yield bytes; } };
  };
  /** Of a layer that all have, and one that no other has. */
  const image = (tag: string): NamedImage => ({
    image: { manifest: blob(`manifest ${tag}`, mediaTypes.manifest), config: blob(`config ${tag}`), layers: [blob("shared".repeat(20_000)), blob(`layer ${tag}`)] },
    names: [parseReference(`test:${tag}`)],
  });
  const tags = (directory: string) => {
    const { manifests } = JSON.parse(readFileSync(path.join(directory, "index.json"), "utf8")) as { readonly manifests: readonly { readonly annotations: Readonly<Record<string, string>> }[] };
    return manifests.map(({ annotations }) => annotations["org.opencontainers.image.ref.name"]).sort();
  };

  test("has what every one of many at once has written to it", async () => {
    const directory = path.join(place, "made", "by", "them");
    const names = Array.from({ length: 16 }, (_, number) => `tag${String(number).padStart(2, "0")}`);
    await Promise.all(names.map((tag) => writeOciDirectory(directory, [image(tag)])));
    expect(tags(directory)).toEqual(names);
    expect(readdirSync(directory).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    const blobs = path.join(directory, "blobs/sha256");
    expect(readdirSync(blobs)).toHaveLength(3 * 16 + 1);
    for (const name of readdirSync(blobs)) expect(digestOf(readFileSync(path.join(blobs, name)))).toBe(`sha256:${name}`);
  });

  test("keeps no half of what failed on its way", async () => {
    const failing = { ...blob("whole"), async *open() { yield Buffer.from("who"); throw new Error("no more"); } };
    const { image: of, names } = image("one");
    await expect(writeOciDirectory(place, [{ image: { ...of, layers: [failing] }, names }])).rejects.toThrow("no more");
    for (const name of readdirSync(place, { recursive: true, encoding: "utf8" })) expect(name).not.toMatch(/\.new$/);
  });

  test("has a name once: it moves", async () => {
    await writeOciDirectory(place, [image("one")]);
    await writeOciDirectory(place, [image("two")]);
    await writeOciDirectory(place, [{ ...image("other"), names: [parseReference("test:one")] }]);
    expect(tags(place)).toEqual(["one", "two"]);
  });

  test("is not made of one that holds something else, which stays as it was", async () => {
    mkdirSync(path.join(place, "mine"));
    writeFileSync(path.join(place, "mine", "file"), "text");
    await expect(writeOciDirectory(path.join(place, "mine"), [image("one")])).rejects.toThrow("it holds files that are no OCI image layout");
    expect(readdirSync(path.join(place, "mine"))).toEqual(["file"]);
  });
});
