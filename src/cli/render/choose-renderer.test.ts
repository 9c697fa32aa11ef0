import { expect, test } from "vitest";
import { at } from "../../testing/build-events.ts";
import type { ProgressMode } from "../progress-flag.ts";
import { chooseRenderer } from "./choose-renderer.ts";

async function choose({ progress, quiet = false, env = {}, isTTY = false }: { progress?: ProgressMode; quiet?: boolean; env?: NodeJS.ProcessEnv; isTTY?: boolean }) {
  let text = "";
  const stderr = { isTTY, columns: 80, rows: 24, on() {}, off() {}, write: (piece: string) => (text += piece) } as unknown as NodeJS.WriteStream;
  const renderer = await chooseRenderer({ progress, quiet, env, stderr, clock: () => 0 });
  return { name: renderer.constructor.name, renderer, text: () => text };
}

test.each([
  [{}, "PlainRenderer"],
  [{ isTTY: true }, "TtyRenderer"],
  [{ isTTY: true, env: { TERM: "dumb" } }, "PlainRenderer"],
  [{ isTTY: true, env: { CI: "true" } }, "PlainRenderer"],
  [{ isTTY: true, env: { CI: "false" } }, "TtyRenderer"],
  [{ isTTY: true, env: { BUILDKIT_PROGRESS: "plain" } }, "PlainRenderer"],
  [{ progress: "tty", env: { CI: "1", BUILDKIT_PROGRESS: "plain" } }, "TtyRenderer"],
  [{ isTTY: true, progress: "rawjson" }, "RawJsonRenderer"],
  [{ progress: "tty", quiet: true }, "QuietRenderer"],
] as const)("%j is shown by the %s", async (given, name) => {
  expect((await choose(given)).name).toBe(name);
});

test("a wrong BUILDKIT_PROGRESS is refused by its name", async () => {
  await expect(choose({ env: { BUILDKIT_PROGRESS: "fancy" } })).rejects.toThrow('BUILDKIT_PROGRESS is "fancy": it is one of auto, plain, tty, quiet, none, rawjson');
});

test("rawjson is every event as it is, and the result", async () => {
  const { renderer, text } = await choose({ progress: "rawjson" });
  renderer.events(at(1).log(3, "a\u001b[0m\nb"));
  renderer.succeed({ id: "sha256:1", stored: true, names: ["x"] });
  expect(text().trimEnd().split("\n").map((line) => JSON.parse(line) as unknown)).toEqual([
    at(1).log(3, "a\u001b[0m\nb"),
    { type: "result", id: "sha256:1", names: ["x"], time: 0 },
  ]);
});

test("quiet says nothing of a build that works and all the output of a step that fails", async () => {
  const { renderer, text } = await choose({ quiet: true });
  renderer.events(at(0).start(0, "RUN a"));
  renderer.events(at(1).log(0, "one\ntwo"));
  renderer.events(at(1).finish(0, "RUN a"));
  expect(text()).toBe("");
  renderer.events(at(2).start(1, "RUN b"));
  renderer.events(at(3).log(1, "three\nfour"));
  renderer.events(at(4).fail(1, "RUN b", "no"));
  renderer.fail();
  expect(text()).toBe("------\n > RUN b:\n1.000 three\n2.000 four\n------\n");
});
