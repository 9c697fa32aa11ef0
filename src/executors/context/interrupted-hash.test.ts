import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { bytePath } from "../../base/byte-path.ts";
import { DirectorySource } from "./directory-source.ts";

test("who interrupts a build does not wait until a large file is hashed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "laminate-interrupted-"));
  try {
    writeFileSync(join(directory, "large"), "");
    truncateSync(join(directory, "large"), 64 * 2 ** 30); // minutes of hashing
    const interrupted = new AbortController();
    const source = new DirectorySource("the context", directory, { signal: interrupted.signal });
    const digests = source.digests([source.get(bytePath("large"))!.entry]);
    await turn();
    interrupted.abort(new Error("Ctrl-C"));
    await expect(digests).rejects.toThrow("Ctrl-C");
    await expect(source.digests([source.get(bytePath("large"))!.entry])).rejects.toThrow("Ctrl-C");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
