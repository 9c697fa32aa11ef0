import { expect, test } from "vitest";
import { excerpt } from "./source-error.ts";
import { SourceText } from "./source-text.ts";

function show(text: string, line: number, start: number, end: number, endLine = line): string {
  return excerpt(new SourceText("f", text), {
    start: { line, column: start },
    end: { line: endLine, column: end },
  });
}

test("the line stands above its carets, tabs kept", () => {
  expect(show("a\r\n\tb cd\r\n", 2, 4, 6)).toBe("  2 | \tb cd\n    | \t  ^^");
});

test("a range over several lines is marked to the end of its first", () => {
  expect(show("ab cd  \nef", 1, 4, 2, 2)).toBe("  1 | ab cd  \n    |    ^^");
});

test("an empty range has one caret, a line that is not there none of its own", () => {
  expect(show("", 1, 1, 1)).toBe("  1 | \n    | ^");
});

test("a terminal sees no control characters and not all of a very long line", () => {
  expect(show("a\u001b[31mb", 1, 1, 2)).toBe("  1 | a\ufffd[31mb\n    | ^");
  expect(show("x".repeat(5000), 1, 2, 3000).length).toBeLessThan(300);
});
