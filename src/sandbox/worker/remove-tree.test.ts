import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeTrees } from "./remove-tree.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "laminate-remove-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe.each([["a few files", 3], ["many files", 300]])("a tree of %s is removed", (_, count) => {
  const make = () => {
    const tree = join(directory, "tree");
    mkdirSync(join(tree, "deep"), { recursive: true });
    for (let file = 0; file < count; file += 1) writeFileSync(join(tree, "deep", `f${file}`), "x");
    return tree;
  };

  test("whatever its names and modes, and where its links lead stays", async () => {
    const tree = make();
    const name = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(name);
    writeFileSync(Buffer.concat([name, Buffer.from([0x2f, 0xe9])]), "not UTF-8");
    mkdirSync(join(tree, "closed"), { mode: 0o000 });
    writeFileSync(join(directory, "kept"), "kept");
    symlinkSync(directory, join(tree, "link"));
    await removeTrees([tree, join(directory, "never-there")]);
    expect(readdirSync(directory)).toEqual(["kept"]);
  });

  test.skipIf(process.geteuid?.() !== 0)("but for what is mounted in it", () => {
    const tree = make();
    mkdirSync(join(tree, "mounted"));
    const script = `import { writeFileSync } from "node:fs"; import { removeTrees } from ${JSON.stringify(join(import.meta.dirname, "remove-tree.ts"))};
      writeFileSync(${JSON.stringify(join(tree, "mounted/kept"))}, "");
      const said = await removeTrees([${JSON.stringify(tree)}]).catch((error) => error.code);
      console.log(said);`;
    const command = `mount -t tmpfs tmpfs ${tree}/mounted && "$0" --input-type=module -e '${script.replaceAll("'", "'\\''")}' && ls ${tree}/mounted`;
    expect(execFileSync("unshare", ["-m", "sh", "-c", command, process.execPath], { encoding: "utf8", timeout: 20_000 })).toBe("step-failed\nkept\n");
    expect(existsSync(join(tree, "mounted"))).toBe(true);
  });
});
