import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test.each([
  ["plain\ttext\n", "plain\ttext\n"],
  ["\u001b[1;31mred\u001b[0m", "red"],
  ["\u001b[?25l\u001b[2J\u001b[10;5Hx", "x"],
  ["\u001b]0;title\u0007x", "x"],
  ["\u001b]8;;http://a\u001b\\link\u001b]8;;\u001b\\", "link"],
  ["\u001bP1$r\u001b\\x\u001b(Bx\u001bcx", "xxx"],
  ["\u009b31mx\u009d0;t\u009cx", "xx"],
  ["bell\u0007 nul\u0000 del\u007f \u001b", "bell\ufffd nul\ufffd del\ufffd \ufffd"],
  ["übér 漢字 🐳", "übér 漢字 🐳"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});
