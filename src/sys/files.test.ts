import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lsetxattr } from "./files.ts";

test("an attribute that no file system has fails with ENOTSUP, the name that Node uses", () => {
  const directory = mkdtempSync(join(tmpdir(), "laminate-files-"));
  try {
    expect(() => lsetxattr(directory, "odd.name", Buffer.from("1"))).toThrow(expect.objectContaining({ code: "ENOTSUP", syscall: "lsetxattr" }));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
