import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { at } from "../../testing/build-events.ts";
import { clip, textWidth } from "./text-width.ts";
import { TtyRenderer } from "./tty.ts";

/** A terminal that understands what the display uses: text, newlines, cursor up, erase to the line's end and erase below. */
class Terminal extends EventEmitter {
  columns = 60;
  rows = 12;
  lines: string[] = [""];
  written = "";
  #row = 0;
  #column = 0;

  readonly write = (text: string): void => {
    this.written += text;
    // oxlint-disable-next-line no-control-regex -- a terminal reads them
    for (const [sequence, up, style, rest] of text.matchAll(/\u001b\[(\d+)A\r|\u001b\[[JK]|(\u001b\[\d*m)|\n|([^\n\u001b]+)/g)) {
      const line = this.lines[this.#row]!;
      if (up !== undefined) this.#goTo(this.#row - Number(up));
      else if (sequence === "\n") this.#goTo(this.#row + 1);
      else if (rest !== undefined) this.#print(line, rest);
      else if (style === undefined) this.lines.splice(this.#row, sequence.endsWith("J") ? Infinity : 1, line.slice(0, this.#column));
    }
  };

  #goTo(row: number): void {
    this.#row = row;
    this.#column = 0;
    this.lines[row] ??= "";
  }

  #print(line: string, text: string): void {
    this.lines[this.#row] = line.slice(0, this.#column) + text + line.slice(this.#column + text.length);
    this.#column += text.length;
  }
}

let terminal: Terminal;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  terminal = new Terminal();
});

afterEach(() => {
  vi.useRealTimers();
});

function renderer(color = false): TtyRenderer {
  return new TtyRenderer({ write: terminal.write, clock: Date.now, screen: terminal, color });
}

test("running steps show their output, the times go on, the end shows every step once", () => {
  const display = renderer();
  display.events(at(0).plan("[1/2] FROM base", "[2/2] RUN make"));
  display.events(at(0).cached(0, "[1/2] FROM base"));
  display.events(at(0).start(1, "[2/2] RUN make"));
  display.events(at(0).log(1, "one\ntwo\nthr"));
  vi.advanceTimersByTime(2000);
  expect(terminal.lines).toEqual([
    "[+] Building 2.0s (1/2)",
    " => CACHED [1/2] FROM base                             0.0s",
    " => [2/2] RUN make                                     2.0s",
    " => => # one",
    " => => # two",
    " => => # thr",
    "",
  ]);
  display.events(at(2).finish(1, "[2/2] RUN make"));
  display.succeed({ id: "sha256:1", stored: true, names: ["x:latest"] });
  expect(terminal.lines).toEqual([
    "[+] Building 2.0s (2/2) FINISHED",
    " => CACHED [1/2] FROM base                             0.0s",
    " => [2/2] RUN make                                     2.0s",
    " => exporting to image",
    " => => writing image sha256:1",
    " => => naming to x:latest",
    "",
  ]);
  expect(vi.getTimerCount()).toBe(0);
  expect(terminal.listenerCount("resize")).toBe(0);
});

test("however many steps there are, the display is lower than the screen and keeps those that run", () => {
  const display = renderer();
  for (let id = 0; id < 40; id += 1) {
    display.events(at(0).start(id, `step ${id}`));
    display.events(at(0).log(id, "a\nb\nc\n"));
    if (id < 37) display.events(at(0).finish(id, `step ${id}`));
  }
  vi.advanceTimersByTime(150);
  expect(terminal.lines.length).toBeLessThanOrEqual(terminal.rows);
  for (const id of [37, 38, 39]) expect(terminal.lines.join("\n")).toContain(` => step ${id} `);
  display.cancel();
  expect(terminal.lines.join("\n")).toContain(" => step 0 ");
});

test("a hundred lines of output cost a few drawings", () => {
  const display = renderer();
  display.events(at(0).start(0, "A"));
  for (let line = 0; line < 1000; line += 1) display.events(at(0).log(0, `line ${line}\n`));
  vi.advanceTimersByTime(1000);
  expect(terminal.written.match(/Building/g)!.length).toBeLessThan(12);
});

test("a failed step is marked and its whole output follows", () => {
  const display = renderer(true);
  display.events(at(0).start(0, "RUN false"));
  display.events(at(0).log(0, Array.from({ length: 50 }, (_, index) => `line ${index}\n`).join("")));
  display.events(at(0).fail(0, "RUN false", "no"));
  display.fail();
  expect(terminal.lines).toContain("[+] Building 0.0s (1/1) ERROR");
  expect(terminal.lines.filter((line) => line.includes("line "))).toHaveLength(50);
  expect(terminal.written).toContain("\u001b[31m => ERROR RUN false");
});

test("warnings stay above the display, why a step runs stays below it", () => {
  const display = renderer();
  display.events(at(0).start(0, "A"));
  vi.advanceTimersByTime(200);
  display.events(at(0.2).warn("careful"));
  display.events(at(0.2).miss(0, "the base changed"));
  display.cancel();
  expect(terminal.lines.slice(0, 4)).toEqual(["WARNING: careful", "[+] Building 0.2s (0/1) CANCELED", expect.stringMatching(/^ => A/), " => => MISS the base changed"]);
});

test("no line is wider than the terminal, whatever its characters", () => {
  expect(textWidth("漢字e\u0301")).toBe(5);
  expect(clip("漢字漢字", 5)).toBe("漢字…");
  terminal.columns = 40;
  const display = renderer();
  display.events(at(0).start(0, "漢".repeat(60)));
  display.events(at(0).log(0, "x".repeat(300)));
  vi.advanceTimersByTime(150);
  for (const line of terminal.lines) expect(textWidth(line)).toBeLessThan(40);
  display.cancel();
});

test("after the terminal became narrower, the lines it wrapped are erased too", () => {
  const display = renderer();
  display.events(at(0).start(0, "A"));
  vi.advanceTimersByTime(150);
  terminal.columns = 30;
  terminal.written = "";
  terminal.emit("resize");
  expect(terminal.written).toContain("\u001b[3A\r\u001b[J");
  display.cancel();
});

test("the screen is written over, never erased from the display's first line: tmux would keep each of them", () => {
  const display = renderer();
  display.events(at(0).start(0, "A"));
  display.events(at(0).log(0, "long output\n"));
  vi.advanceTimersByTime(1000);
  display.cancel();
  expect(terminal.written).toContain("A\r");
  expect(terminal.written).not.toContain("\r\u001b[J");
});
