import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "..", "..", "scripts", "check-layering.mjs");

function check(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "laminate-layering-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, root], { encoding: "utf8" });
  rmSync(root, { recursive: true });
  return { status, lines: stderr.split("\n").filter((line) => line !== "") };
}

test("imports downwards, within a room and from testing are right", () => {
  const files = {
    "cli/a.ts": 'import { b } from "../api/b.ts";\nimport "./c.ts";\n',
    "cli/c.ts": 'import type { X } from "../base/x.ts";\nconst y = await import("../oci/y.ts");\n// import "../../nowhere.ts"\n',
    "api/b.ts": 'import fs from "node:fs";\nexport { x } from "../base/x.ts";\n',
    "base/x.ts": "",
    "oci/y.ts": "",
    "base/x.test.ts": 'import "../testing/t.ts";\n',
    "testing/t.ts": 'import "../cli/a.ts";\n',
  };
  expect(check(files)).toEqual({ status: 0, lines: [] });
});

test.each([
  ["upwards", { "base/x.ts": '\nimport type { A } from "../cli/a.ts";\n', "cli/a.ts": "" }, "base/x.ts:2: base/ may not import from cli/, which is above it"],
  ["upwards, lazily", { "base/x.ts": 'const a = await import("../cli/a.ts");\n', "cli/a.ts": "" }, "base/x.ts:1: base/ may not import from cli/, which is above it"],
  ["upwards, over several lines", { "base/x.ts": 'import {\n  A,\n} from "../cli/a.ts";\n', "cli/a.ts": "" }, "base/x.ts:1: base/ may not import from cli/, which is above it"],
  ["of what only tests may use", { "base/x.ts": 'import "../testing/t.ts";\n', "testing/t.ts": "" }, "base/x.ts:1: only tests may import testing/"],
  ["of nothing", { "base/x.ts": 'import "./y.ts";\n' }, 'base/x.ts:1: imports "base/y.ts", which is not there'],
  ["into a new room", { "base/x.ts": 'import "../utils/y.ts";\n', "utils/y.ts": "" }, 'base/x.ts:1: "utils/y.ts" is in no room that scripts/check-layering.mjs knows'],
  ["in a circle", { "base/x.ts": 'import "./y.ts";\n', "base/y.ts": 'import "./x.ts";\n' }, "base/x.ts: imports itself through base/y.ts → base/x.ts"],
])("an import %s is refused", (_, files, line) => {
  expect(check(files)).toEqual({ status: 1, lines: [line] });
});
