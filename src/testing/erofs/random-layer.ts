import fc from "fast-check";
import type { BytePath } from "../../base/byte-path.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { item, type Item } from "./rig.ts";

/** Names sort around ".", are no UTF-8, or fill a block of a directory. */
const NAMES = ["a", "b", "-", "!", ".a", "..b", "a-", "a.b", "a b", "\xff\xfe", "\xc3\xa9", "\n", "z".repeat(255), "y".repeat(200), "x".repeat(150)];
const TYPES = ["file", "file", "file", "directory", "directory", "symlink", "hardlink", "character", "block", "fifo", "whiteout"] as const;
/** What ext4, which the comparison unpacks to, can hold. */
const TIMES = { min: -2_147_483_647_000_000_000n, max: 15_000_000_000_999_999_999n };

const attributes = fc.dictionary(fc.constantFrom("user.a", "user.mime_type", "trusted.b", "security.c", "system.odd", "odd"), fc.uint8Array({ maxLength: 200 }), { maxKeys: 3, noNullPrototype: true });

const draft = fc.record({
  parent: fc.nat(),
  name: fc.constantFrom(...NAMES),
  type: fc.constantFrom(...TYPES),
  implied: fc.boolean(),
  opaque: fc.boolean(),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0xfffffffe }),
  gid: fc.integer({ min: 0, max: 0xfffffffe }),
  mtime: fc.bigInt(TIMES),
  link: fc.oneof(fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom("a", "/", ".", "\xff") }), fc.integer({ min: 400, max: 1500 }).map((length) => "l".repeat(length))),
  major: fc.integer({ min: 0, max: 0xfff }),
  minor: fc.integer({ min: 0, max: 0xfffff }),
  size: fc.oneof(fc.constantFrom(0, 1, 511, 512, 513, 4096), fc.nat(20_000)),
  attributes,
});

/** Layers with all that a layer can hold, parents before children, some parents only implied. */
export const randomLayer: fc.Arbitrary<Item[]> = fc.array(draft, { maxLength: 40 }).map((drafts) => {
  const items = new Map<string, Item>();
  const taken = new Set<string>();
  const directories = [""];
  for (const { parent, name, type, implied, link, size, attributes: xattrs, ...rest } of drafts) {
    const below = directories[parent % directories.length]!;
    const path = below === "" ? name : `${below}/${name}`;
    const target = [...items.values()].filter(({ entry }) => entry.type !== "directory" && entry.type !== "whiteout")[parent % (items.size || 1)];
    if (taken.has(path) || path.length > 3000 || (type === "hardlink" && target === undefined)) continue;
    taken.add(path);
    if (type === "directory") directories.push(path);
    if (type === "directory" && implied) continue;
    items.set(path, itemOf({ ...rest, path, type, link: type === "hardlink" ? target!.entry.path : link, size, xattrs }));
  }
  return [...items.values()];
});

function itemOf(draft: { path: string; type: Entry["type"]; opaque: boolean; mode: number; uid: number; gid: number; mtime: bigint; link: string; major: number; minor: number; size: number; xattrs: Record<string, Uint8Array> }): Item {
  const { path, type, opaque, mode, uid, gid, mtime, link, major, minor, size, xattrs } = draft;
  const isDevice = type === "character" || type === "block";
  return item(path, type, {
    mode: type === "symlink" ? 0o777 : mode,
    uid,
    gid,
    mtime,
    ...(type === "directory" && opaque ? { opaque } : {}),
    ...(type === "symlink" || type === "hardlink" ? { link: link as BytePath } : {}),
    ...(isDevice ? { major, minor } : {}),
    ...(type === "file" ? { bytes: Buffer.alloc(size, path) } : {}),
    ...(Object.keys(xattrs).length > 0 && type !== "hardlink" ? { xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value)])) } : {}),
  });
}
