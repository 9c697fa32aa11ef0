import { expect, test } from "vitest";
import { humanDuration, humanSize, shortId } from "./format.ts";
import { table } from "./table.ts";

test.each([
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [1234, "1.23kB"],
  [77_812_345, "77.8MB"],
  [1_500_000_000, "1.5GB"],
])("%i bytes are %s", (bytes, text) => {
  expect(humanSize(bytes)).toBe(text);
});

test.each([
  [10, "Less than a second"],
  [1500, "1 second"],
  [59_000, "59 seconds"],
  [61_000, "About a minute"],
  [3_540_000, "59 minutes"],
  [3_700_000, "About an hour"],
  [2 * 3_600_000, "2 hours"],
  [3 * 86_400_000, "3 days"],
  [15 * 86_400_000, "2 weeks"],
  [90 * 86_400_000, "3 months"],
  [800 * 86_400_000, "2 years"],
])("%i ms are %s", (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text);
});

test("columns are as wide as their widest cell, no line ends in spaces", () => {
  expect(table(["NAME", "ID"], [["long-name", "1"], ["a", ""]])).toBe("NAME        ID\nlong-name   1\na\n");
});

test("an ID for people has twelve digits", () => {
  expect(shortId(`sha256:${"ab".repeat(32)}`)).toBe("abababababab");
});
