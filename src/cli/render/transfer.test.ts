import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import { at } from "../../testing/build-events.ts";
import { TransferDisplay } from "./transfer.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

function display(isTTY: boolean, quiet = false) {
  const written = { out: "", err: "", screen: "" };
  const stream = (name: "out" | "err") => Object.assign(new EventEmitter(), { isTTY, columns: 70, rows: 10, write: (text: string) => { written[name] += text; written.screen += text; } });
  const [out, err] = [stream("out"), stream("err")];
  const shown = new TransferDisplay({ out: out as unknown as NodeJS.WriteStream, err: err as unknown as NodeJS.WriteStream, env: {}, words: { going: "Downloading", done: "Pull complete" }, quiet });
  return { shown, written, out };
}

test("in a pipe each blob is one line, said once", () => {
  const { shown, written } = display(false);
  for (const event of [at(0).move(0, A, 0, 10), at(1).move(0, B, 5, 5, true), at(1).move(0, B, 5, 5, true), at(2).move(0, A, 10, 10, true)]) shown.events(event);
  shown.end();
  expect(written).toMatchObject({ out: "bbbbbbbbbbbb: Pull complete\naaaaaaaaaaaa: Pull complete\n", err: "" });
});

test("on a terminal each blob has a bar", () => {
  vi.useFakeTimers({ now: 0 });
  const { shown, written } = display(true);
  shown.events(at(0).move(0, A, 5_000_000, 10_000_000));
  vi.advanceTimersByTime(150);
  expect(written.out).toBe(`aaaaaaaaaaaa: Downloading [${"=".repeat(12)}>${" ".repeat(11)}] 5MB / 10MB\u001b[K\n\u001b[J`);
  shown.events(at(1).move(0, A, 10_000_000, 10_000_000, true));
  shown.end();
  expect(written.out.endsWith("\u001b[1A\raaaaaaaaaaaa: Pull complete\u001b[K\n\u001b[J")).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("after the terminal became narrower, the lines that it wrapped are erased too", () => {
  vi.useFakeTimers({ now: 0 });
  const { shown, written, out } = display(true);
  shown.events(at(0).move(0, A, 5_000_000, 10_000_000));
  vi.advanceTimersByTime(150);
  written.out = "";
  out.columns = 30;
  out.emit("resize");
  expect(written.out.startsWith("\u001b[3A\r\u001b[J")).toBe(true);
  expect(written.out.split("\n")[0]!.replace("\u001b[3A\r\u001b[J", "").replace("\u001b[K", "")).toHaveLength(29);
  shown.end();
  expect(out.listenerCount("resize")).toBe(0);
  vi.useRealTimers();
});

test("the screen is written over, never erased from the display's first line: tmux would keep each of them", () => {
  vi.useFakeTimers({ now: 0 });
  const { shown, written } = display(true);
  for (let done = 0; done < 10; done += 1) {
    shown.events(at(done).move(0, A, done, 10));
    shown.events(at(done).warn("tries again"));
    vi.advanceTimersByTime(150);
  }
  shown.end();
    expect(written.screen).toContain("\u001b[1A\rWARNING: tries again\u001b[K\n\u001b[J");
  expect(written.screen).not.toContain("\r\u001b[J");
  vi.useRealTimers();
});

test("quiet leaves warnings, on standard error", () => {
  const { shown, written } = display(false, true);
  shown.events(at(0).move(0, A, 10, 10, true));
  shown.events(at(0).warn("plain HTTP"));
  shown.end();
  expect(written).toMatchObject({ out: "", err: "WARNING: plain HTTP\n" });
});
