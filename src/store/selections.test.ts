import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { Selections } from "./selections.ts";
import { Temporary } from "./temporary.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "laminate-selections-"));
  mkdirSync(path.join(root, "tmp"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** As if a minute had passed. */
function age(): void {
  const directory = path.join(root, "selections");
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name);
    const then = statSync(file).mtimeMs / 1000 - 60;
    utimesSync(file, then, then);
  }
}

test("what builds go on to take is kept, however often other files changed meanwhile; what none took any more goes", () => {
  const selections = new Selections(root, new Temporary(path.join(root, "tmp")));
  const put = (text: string) => selections.put(digestOf(text), Buffer.from(text));
  put("once\n");
  for (let build = 1; build <= 100; build += 1) {
    put("package.json\n");
    put(`src ${build}\n`);
    expect(selections.get(digestOf("package.json\n"))?.toString()).toBe("package.json\n");
    age();
  }
  expect(selections.get(digestOf("once\n"))).toBeUndefined();
});
