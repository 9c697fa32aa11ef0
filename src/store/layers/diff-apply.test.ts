import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { spawnAsUser } from "../../testing/sandbox/as-user.ts";

/* apply(diff(a, b), a) is b: see src/testing/trees/diff-apply-main.ts. Needs root, to mount and to become another user. */

const MAIN = join(import.meta.dirname, "..", "..", "testing", "trees", "diff-apply-main.ts");
const SEED = process.env["LAMINATE_TREE_SEED"] ?? String(Date.now() % 1_000_000);
const RUNS = process.env["LAMINATE_TREE_RUNS"] ?? "40";
const ALONE = ["--mount", "--propagation", "private"];

async function checked(dialect: "trusted" | "user"): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "laminate-trees-"));
  chmodSync(directory, 0o755);
  const argv = [process.execPath, MAIN, dialect, RUNS, SEED, directory];
  try {
    const child = dialect === "trusted" ? spawn("unshare", [...ALONE, ...argv]) : spawnAsUser(directory, ["unshare", "--user", "--map-root-user", "--map-auto", ...ALONE, ...argv], { env: process.env });
    let said = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    await new Promise((resolve) => child.once("close", resolve));
    return said;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe.skipIf(process.geteuid?.() !== 0)(`a layer applied to the tree below it gives the tree that it was made of (LAMINATE_TREE_SEED=${SEED})`, { retry: 0, timeout: 300_000 }, () => {
  test("as root, also seen by system tar, umoci and podman", async () => {
    expect(await checked("trusted")).toBe(`${RUNS} trees\n`);
  });

  test("as an ordinary user, with userxattr", async () => {
    expect(await checked("user")).toBe(`${RUNS} trees\n`);
  });
});
