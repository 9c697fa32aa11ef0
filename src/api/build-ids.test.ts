import { expect, test } from "vitest";
import { BuildIds } from "./build-ids.ts";

test("builds that begin in one millisecond, or after the clock went back, have IDs of their own, in their order", () => {
  const ids = new BuildIds();
  const began = Date.UTC(2026, 10, 2, 3, 4, 5, 6);
  const given = [began, began, began + 1, began - 1000, began + 5000].map((now) => ids.next(now));
  expect(given[0]).toBe(`20261102-030405006-${process.pid}`);
  expect(new Set(given).size).toBe(given.length);
  expect([...given].sort()).toEqual(given);
});
