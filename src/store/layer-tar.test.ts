import { expect, test } from "vitest";
import { readTar } from "../archive/read-tar.ts";
import type { BytePath } from "../base/byte-path.ts";
import { writeLayerTar } from "./layer-tar.ts";
import type { Entry } from "./layers/entry.ts";

const plain = { uid: 0, gid: 0, size: 0, mtime: 5_000_000_000n } as const;

test("whiteouts and opaque marks have the modes, owners and times that docker gives them", async () => {
  const entries: Entry[] = [
    { ...plain, path: "d" as BytePath, type: "directory", mode: 0o1777, uid: 5, gid: 6, opaque: true },
    { ...plain, path: "d/gone" as BytePath, type: "whiteout", mode: 0 },
  ];
  const members = [];
  for await (const { header } of readTar(writeLayerTar(entries.map((entry) => ({ entry }))))) members.push(header);
  expect(members).toEqual([
    { ...plain, name: "d", type: "directory", mode: 0o1777, uid: 5, gid: 6 },
    { ...plain, name: "d/.wh..wh..opq", type: "file", mode: 0o777, uid: 5, gid: 6, mtime: 0n },
    { ...plain, name: "d/.wh.gone", type: "file", mode: 0o600 },
  ]);
});
