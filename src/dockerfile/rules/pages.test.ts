import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { around, said } from "../../testing/checks.ts";
import { mend } from "./mend.ts";
import { RULES } from "./rules.ts";

const pages = path.join(import.meta.dirname, "../../../docs/rules");
const ignore = "*.md\n";

function examples(name: string): { page: string; wrong: string; right: string } {
  const page = readFileSync(path.join(pages, `${name}.md`), "utf8");
  const [wrong, right] = [...page.matchAll(/```dockerfile\n(.*?)```/gs)].map(([, text]) => text!);
  return { page, wrong: wrong!, right: right! };
}

test("each rule has its page and its row in the list, in the order of the reference, and no page is of something else", () => {
  expect(readdirSync(pages).sort()).toEqual(
    [...RULES.map(({ name }) => `${name}.md`), "README.md"].sort(),
  );
  const rows = readFileSync(path.join(pages, "README.md"), "utf8").matchAll(
    /^\| \[(\w+)\]\((\w+)\.md\)/gm,
  );
  expect([...rows].map(([, name, file]) => [name, file])).toEqual(
    RULES.map(({ name }) => [name, name]),
  );
});

describe.each(RULES.map(({ name }) => name))("the page of %s", (name) => {
  const { page, wrong, right } = examples(name);

  test("shows a wrong example that the rule finds", () => {
    expect(page.startsWith(`# ${name}\n`)).toBe(true);
    expect(said(wrong, { ignore }).map((line) => line.split(" ")[0])).toContain(name);
  });

  test("shows a right one that no rule finds anything in, which the fix makes of the wrong one where there is one", () => {
    expect(said(right, { ignore })).toEqual([]);
    if (page.includes("check --fix")) {
      expect(mend(wrong, "Dockerfile", around({ ignore })).text).toBe(right);
    }
  });
});
