import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

test.each([
  ["30s", "30s"],
  ["90s", "1m30s"],
  ["1.5h", "1h30m0s"],
  ["100ms", "100ms"],
  ["1500ms", "1.5s"],
  ["2m", "2m0s"],
  ["1h0.5s", "1h0m0.5s"],
  ["0", "0s"],
  ["5us", "5µs"],
  ["+2s", "2s"],
])("%s is %s as Go writes it", (text, expected) => {
  expect(formatDuration(parseDuration(text)!)).toBe(expected);
});

test.each(["", "5", "s", "1 s", "1d", "--1s", ".s"])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
