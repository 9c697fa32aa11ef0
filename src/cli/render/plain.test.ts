import { expect, test } from "vitest";
import type { BuildEvent } from "../../events/build-event.ts";
import { at } from "../../testing/build-events.ts";
import { PlainRenderer } from "./plain.ts";

function show(events: readonly BuildEvent[], end: (renderer: PlainRenderer) => void = (renderer) => renderer.cancel()): string {
  let text = "";
  const renderer = new PlainRenderer({ write: (piece) => (text += piece), clock: () => 99_000 });
  for (const event of events) renderer.events(event);
  end(renderer);
  return text;
}

test("a build in which a step is cached and one runs", () => {
  const events = [
    at(0).plan("[1/3] FROM base", "[2/3] RUN a", "[3/3] RUN b"),
    at(0).start(0, "[1/3] FROM base"),
    at(0.05).finish(0, "[1/3] FROM base"),
    at(0.06).cached(1, "[2/3] RUN a"),
    at(0.1).miss(2, "[3/3] RUN b runs: its command changed"),
    at(0.1).start(2, "[3/3] RUN b"),
    at(0.223).log(2, "hello\nwor"),
    at(0.3).log(2, "ld\nno newline"),
    at(0.4).finish(2, "[3/3] RUN b"),
  ];
  expect(show(events, (renderer) => renderer.succeed({ id: "sha256:1", stored: true, names: ["docker.io/library/x:latest"] }))).toBe(`#1 [1/3] FROM base
#1 DONE 0.1s

#2 [2/3] RUN a
#2 CACHED

#3 [3/3] RUN b
#3 MISS [3/3] RUN b runs: its command changed
#3 0.123 hello
#3 0.200 world
#3 0.300 no newline
#3 DONE 0.3s

#4 exporting to image
#4 writing image sha256:1 done
#4 naming to docker.io/library/x:latest done
#4 DONE
`);
});

test("two steps at the same time take turns instead of mixing their lines", () => {
  const events = [
    at(0).start(0, "A"),
    at(0).start(1, "B"),
    at(1).log(0, "a1\n"),
    at(1).log(1, "b1\n"),
    at(1).log(0, "a2\n"),
    at(4).log(0, "a3\n"),
    at(4).log(1, "b2\n"),
    at(5).log(0, "a4\n"),
    at(5.5).finish(1, "B"),
    at(5.6).finish(0, "A"),
  ];
  expect(show(events)).toBe(`#1 A
#1 1.000 a1
#1 1.000 a2
#1 4.000 a3

#2 B
#2 1.000 b1
#2 4.000 b2
#2 DONE 5.5s

#1 A
#1 5.000 a4
#1 DONE 5.6s
`);
});

test("a step that is over does not announce again one that says nothing", () => {
  const events = [at(0).start(0, "A"), at(3).start(1, "B"), at(3).finish(1, "B"), at(4).start(2, "C"), at(4).finish(2, "C"), at(5).finish(0, "A")];
  expect(show(events).match(/#1 A/g)).toHaveLength(2);
});

test("a failed step's output is shown again at the end, a cancelled one keeps its unfinished line", () => {
  const events = [
    at(0).start(0, "[1/1] RUN false"),
    at(0).start(1, "other"),
    at(0.5).log(0, Array.from({ length: 25 }, (_, index) => `line ${index + 1}\n`).join("")),
    at(0.6).log(1, "half"),
    at(1).fail(0, "[1/1] RUN false", 'process "/bin/sh -c false" did not complete successfully: exit code: 1\nmore'),
    at(1).cancel(1, "other"),
  ];
  const text = show(events, (renderer) => renderer.fail());
  expect(text).toContain('#1 ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1\n\n#2 other\n#2 1.000 half\n#2 CANCELED\n');
  expect(text).toContain("------\n > [1/1] RUN false:\n… 5 earlier lines\n0.500 line 6\n");
  expect(text.endsWith("0.500 line 25\n------\n")).toBe(true);
});

test("output cannot steer the terminal", () => {
  const text = show([at(0).start(0, "A\u001b]0;title\u0007"), at(1).log(0, "\u001b[31mred\u001b[0m\u001b[2J 1%\r 50%\r100%\r\nbell\u0007\u009b5m\n"), at(1).warn("x\u001b[1Ay"), at(2).finish(0, "A")]);
  // oxlint-disable-next-line no-control-regex -- these must not be there
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  expect(text).toContain("#1 1.000 100%\n");
  expect(text).toContain("WARNING: xy\n");
});

test("a transfer is mentioned when it begins, now and then, and when it is done", () => {
  const events = [
    at(0).plan("FROM base"),
    at(0).start(0, "FROM base"),
    at(0).move(0, "sha256:ab", 0, 5_000_000),
    at(1).move(0, "sha256:ab", 1_000_000, 5_000_000),
    at(6).move(0, "sha256:ab", 3_000_000, 5_000_000),
    at(7).move(0, "sha256:ab", 5_000_000, 5_000_000, true),
    at(7).finish(0, "FROM base"),
  ];
  expect(show(events)).toBe("#1 FROM base\n#1 sha256:ab 0B / 5MB\n#1 sha256:ab 3MB / 5MB\n#1 sha256:ab 5MB / 5MB 7.0s done\n#1 DONE 7.0s\n");
});

test("what is pulled before there is a plan is a step of its own", () => {
  const events = [at(0).move(0, "sha256:ab", 0, 5), at(1).move(0, "sha256:ab", 5, 5, true), at(2).plan("FROM base"), at(2).start(0, "FROM base"), at(2).finish(0, "FROM base")];
  expect(show(events)).toBe("#1 [internal] pull base images\n#1 sha256:ab 0B / 5B\n#1 sha256:ab 5B / 5B 1.0s done\n#1 DONE 2.0s\n\n#2 FROM base\n#2 DONE 0.0s\n");
});
