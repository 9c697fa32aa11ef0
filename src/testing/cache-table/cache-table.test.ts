import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX } from "../builds.ts";
import { laminateEngine } from "./laminate-engine.ts";
import { cacheTablePage, PAGE } from "./page.ts";
import { askRows } from "./run-row.ts";
import { readTable, verdictOf } from "./table.ts";

/* The contract of the cache: for each change the steps that run again, and why. See test/cache-table/README.md. */

const topics = readTable();
const rows = topics.flatMap((topic) => topic.rows);

test("each row has a name of its own and docker's answer, and where that is another the reason", () => {
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  for (const row of rows) {
    expect(row.docker ?? row.unasked, row.id).toBeDefined();
    if (verdictOf(row) !== "equal") expect(row.why ?? row.unasked, row.id).toBeDefined();
  }
});

test("docs/cache-table.md says what the table says: npm run cache-table -- --write renews it", () => {
  expect(readFileSync(PAGE, "utf8")).toBe(cacheTablePage(topics));
});

test("docs/cache.md names rows that are there for what is the same, and files that are there", () => {
  const page = readFileSync(path.join(path.dirname(PAGE), "cache.md"), "utf8");
  const [, facts] = /^\| fact \| counts \| shown by \|\n((?:\|.*\n)+)/m.exec(page)!;
  const shown = [...facts!.matchAll(/^\| .* \| (.*`) \|$/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  expect(shown.length).toBeGreaterThan(12);
  for (const name of shown) expect(name.startsWith("src/") ? existsSync(path.join(path.dirname(PAGE), "..", name)) : rows.some(({ id }) => id === name), name).toBe(true);
});

describe.skipIf(BUSYBOX === undefined || process.geteuid!() !== 0)("runs again after", () => {
  let answers: ReadonlyMap<string, readonly string[]>;
  beforeAll(async () => {
    await using engine = await laminateEngine();
    answers = await askRows(engine, rows);
  }, 600_000);

  test.each(rows)("$id", (row) => {
    expect(answers.get(row.id)).toEqual(row.here);
  });
});
