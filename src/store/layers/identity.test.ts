import { describe, expect, test } from "vitest";
import type { BytePath } from "../../base/byte-path.ts";
import { digestOf } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";
import { layerIdentity } from "./identity.ts";
import { sameFacts } from "./same-entry.ts";

/* What makes two layers one for the steps above them: docs/cache.md, "What is the same". */

const FILE: Entry = { path: "dir/file" as BytePath, type: "file", mode: 0o644, uid: 0, gid: 0, size: 3, mtime: 1n, digest: digestOf("one"), offset: 512, xattrs: new Map([["user.x", Buffer.from("1")]]) };
const LINK: Entry = { path: "link" as BytePath, type: "symlink", mode: 0o777, uid: 0, gid: 0, size: 0, mtime: 1n, link: "dir/file" };
const DEVICE: Entry = { path: "null" as BytePath, type: "character", mode: 0o666, uid: 0, gid: 0, size: 0, mtime: 1n, major: 1, minor: 3 };
const DIRECTORY: Entry = { path: "dir" as BytePath, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 1n };
const WHITEOUT: Entry = { path: "gone" as BytePath, type: "whiteout", mode: 0, uid: 0, gid: 0, size: 0, mtime: 1n };

describe("what counts", () => {
  test.each<[fact: string, before: Entry, after: Partial<Entry>]>([
    ["the bytes", FILE, { digest: digestOf("two") }],
    ["the name", FILE, { path: "dir/other" as BytePath }],
    ["the type", FILE, { type: "fifo" }],
    ["the permissions", FILE, { mode: 0o755 }],
    ["the set-user-ID bit", FILE, { mode: 0o4644 }],
    ["the user", FILE, { uid: 1 }],
    ["the group", FILE, { gid: 1 }],
    ["the size", FILE, { size: 4 }],
    ["where a link leads", LINK, { link: "dir" }],
    ["whether a link is a hard one", LINK, { type: "hardlink" }],
    ["a device's major number", DEVICE, { major: 2 }],
    ["a device's minor number", DEVICE, { minor: 4 }],
    ["the value of an extended attribute", FILE, { xattrs: new Map([["user.x", Buffer.from("2")]]) }],
    ["the name of an extended attribute", FILE, { xattrs: new Map([["user.y", Buffer.from("1")]]) }],
    ["that there is one more", FILE, { xattrs: new Map([["user.x", Buffer.from("1")], ["user.y", Buffer.from("1")]]) }],
    ["that a directory hides what is below", DIRECTORY, { opaque: true }],
    ["what is deleted", WHITEOUT, { path: "other" as BytePath }],
    ["that something is deleted", WHITEOUT, { type: "file" }],
  ])("%s", (_, before, change) => {
    const after = { ...before, ...change };
    expect(layerIdentity([after])).not.toBe(layerIdentity([before]));
    if (before.path === after.path) expect(sameFacts(before, after)).toBe(false);
  });
});

describe("what does not", () => {
  test.each<[fact: string, before: Entry, after: Partial<Entry>]>([
    ["the time", FILE, { mtime: 2n }],
    ["where the content lies in the tar", FILE, { offset: 1024 }],
    ["the order of extended attributes", { ...FILE, xattrs: new Map([["a", Buffer.from("1")], ["b", Buffer.from("2")]]) }, { xattrs: new Map([["b", Buffer.from("2")], ["a", Buffer.from("1")]]) }],
    ["the mode and owner of what says that something is deleted", WHITEOUT, { mode: 0o600, uid: 1, gid: 1 }],
  ])("%s", (_, before, change) => {
    expect(layerIdentity([{ ...before, ...change }])).toBe(layerIdentity([before]));
  });
});
