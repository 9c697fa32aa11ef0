import { spawn } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";
import { served } from "../testing/served.ts";

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const ENTRY = path.join(import.meta.dirname, "entry.ts");
const LINES = ["FROM busybox", "ARG v=1", "ENV e=1", "COPY deps /deps", "RUN cat /deps > /installed", "WORKDIR /app", "COPY src src/", "RUN echo $v > built", "CMD [\"x\"]"];
const FILES = { Dockerfile: `${LINES.join("\n")}\n`, deps: "d", "src/a": "a", "src/sub/b": "b" };

/** What became of each numbered step, in their order. */
function outcomes(err: string): string[] {
  const names = new Map([...err.matchAll(/^#(\d+) (\[.*?\d+\/\d+\] .*)$/gm)].map(([, number, name]) => [number!, name!]));
  const ends = [...err.matchAll(/^#(\d+) (CACHED|DONE|ERROR|CANCELED)\b/gm)].filter(([, number]) => names.has(number!));
  return ends.map(([, number, end]) => `${/\d+\/\d+/.exec(names.get(number!)!)![0]} ${end}`).sort();
}

const missed = (err: string): string[] => [...err.matchAll(/^#\d+ MISS (.*)$/gm)].map(([, sentence]) => sentence!);

/** Every file of a directory with its size and time; the database's log changes whenever it is opened. */
function listing(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => !/-(wal|shm)$/.test(name));
  return names.sort().map((name) => {
    const { size, mtimeNs, mode } = statSync(path.join(directory, name), { bigint: true });
    return `${name} ${mode.toString(8)} ${size} ${mtimeNs}`;
  });
}

describe.skipIf(BUSYBOX === undefined)("a build again", () => {
  test("takes every step from the store, writes nothing there and starts no sandbox", async () => {
    const directory = rig.context(FILES);
    await rig.build("-t", "again", directory);
    await rig.build("-t", "again", directory);
    const before = listing(rig.root);
    // A runtime that is not there: whatever wanted to run something would fail.
    const { code, err } = await rig.build("-t", "again", "--runtime", "/nowhere/runtime", directory);
    expect({ code, missed: missed(err) }).toEqual({ code: 0, missed: [] });
    expect(outcomes(err).filter((one) => !one.startsWith("1/"))).toEqual(["2/6 CACHED", "3/6 CACHED", "4/6 CACHED", "5/6 CACHED", "6/6 CACHED"]);
    expect(listing(rig.root)).toEqual(before);
  });

  const line = (number: number, text: string) => ({ Dockerfile: `${LINES.with(number - 1, text).join("\n")}\n` });
  test.each<[what: string, change: (directory: string) => readonly string[] | void, first: number, sentence: string]>([
    ["FROM another image", (at) => writeFiles(at, line(1, "FROM busybox-more")), 3, "[3/6] RUN cat /deps > /installed runs again: it stands on busybox-more, not on busybox"],
    ["a later line", (at) => writeFiles(at, line(8, "RUN echo changed $v > built")), 6, '[6/6] RUN echo changed 1 > built runs again: the instruction was "RUN echo 1 > built"'],
    ["a file that is installed from", (at) => writeFiles(at, { deps: "more" }), 2, "[2/6] COPY deps /deps runs again: deps changed"],
    ["a source file below what is installed", (at) => writeFiles(at, { "src/a": "A" }), 5, "[5/6] COPY src src/ runs again: src/a changed"],
    ["a new file", (at) => writeFiles(at, { "src/new": "" }), 5, "[5/6] COPY src src/ runs again: src/new is new"],
    ["a file that is gone", (at) => rmSync(path.join(at, "src/sub/b")), 5, "[5/6] COPY src src/ runs again: src/sub/b is gone"],
    ["many files", (at) => writeFiles(at, Object.fromEntries(["c", "d", "e", "f", "g"].map((name) => [`src/${name}`, ""]))), 5, "[5/6] COPY src src/ runs again: src/c is new, src/d is new, src/e is new and 2 more files changed"],
    ["a file's mode", (at) => chmodSync(path.join(at, "src/a"), 0o755), 5, "[5/6] COPY src src/ runs again: mode of src/a 0644 → 0755 (git checkout of another machine?)"],
    ["a build argument", () => ["--build-arg", "v=2"], 3, '[3/6] RUN cat /deps > /installed runs again: build argument v changed from "1" to "2"'],
    ["an environment variable", (at) => writeFiles(at, line(3, "ENV e=2")), 3, '[3/6] RUN cat /deps > /installed runs again: environment variable e changed from "1" to "2"'],
    ["another variable", (at) => writeFiles(at, line(3, "ENV e=1 f=1")), 3, "[3/6] RUN cat /deps > /installed runs again: environment variable f is new"],
    ["a variable that is gone", (at) => writeFiles(at, line(3, "LABEL x=y")), 3, "[3/6] RUN cat /deps > /installed runs again: environment variable e is gone"],
    ["another directory", (at) => writeFiles(at, line(6, "WORKDIR /other")), 4, '[4/6] WORKDIR /other runs again: the instruction was "WORKDIR /app"'],
    ["another owner", (at) => writeFiles(at, line(4, "COPY --chown=web deps /deps")), 2, '[2/6] COPY --chown=web deps /deps runs again: the instruction was "COPY deps /deps"'],
    ["a user for what follows", (at) => writeFiles(at, line(6, "USER 0:0")), 4, "[4/5] COPY src src/ runs again: "],
    ["the network", () => ["--network=host"], 3, "[3/6] RUN cat /deps > /installed runs again: its network changed"],
    ["--no-cache", () => ["--no-cache"], 2, "[2/6] COPY deps /deps runs again: asked for with --no-cache"],
  ])("with %s changed keeps what is above, and says why the first step below runs", async (_, change, first, sentence) => {
    await rig.ok(["build", "-q", "--network=none", "-t", "busybox-more", rig.context({ Dockerfile: "FROM busybox\nCOPY <<E /more\nm\nE\n" })]);
    const directory = rig.context(FILES);
    for (const name of ["src/a", "src/sub/b", "deps"]) chmodSync(path.join(directory, name), 0o644);
    expect((await rig.build(directory)).code).toBe(0);
    const flags = change(directory) ?? [];
    const { code, err } = await rig.build(...flags, directory);
    const [why, ...others] = missed(err);
    expect({ code, why }).toEqual({ code: 0, why: expect.stringContaining(sentence) as string });
    // What only follows says so, with the same cause.
    for (const other of others) expect(other).toMatch(/ runs again: (it stands on |environment variable |build argument |asked for |the instruction was |its )/);
    const kept = outcomes(err).filter((one) => Number.parseInt(one, 10) < first && !one.startsWith("1/"));
    expect(kept.every((one) => one.endsWith("CACHED"))).toBe(true);
    expect(outcomes(err).find((one) => Number.parseInt(one, 10) === first)).toMatch(/DONE$/);
  });

  test("with other times only has nothing to do", async () => {
    const directory = rig.context(FILES);
    await rig.build(directory);
    for (const name of ["deps", "src/a", "src", "Dockerfile"]) utimesSync(path.join(directory, name), 1, 1);
    const { err } = await rig.build(directory);
    expect(missed(err)).toEqual([]);
    expect(err.match(/^#\d+ CACHED$/gm)).toHaveLength(5);
  });

  test("with a variable changed that the command names says so, not that the command was another", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nARG v=1\nRUN echo $v\n" });
    await rig.build(directory);
    expect(missed((await rig.build("--build-arg", "v=2", directory)).err)).toEqual(['[2/2] RUN echo 2 runs again: build argument v changed from "1" to "2"']);
  });

  test("where a step leaves the same files as before, what follows it stays cached", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY in /in\nRUN wc -c < /in > /size; rm /in\nRUN echo after > /after\n", in: "12" });
    await rig.build(directory);
    writeFiles(directory, { in: "34" });
    const { err } = await rig.build(directory);
    expect(outcomes(err).filter((one) => !one.startsWith("1/"))).toEqual(["2/4 DONE", "3/4 DONE", "4/4 CACHED"]);
    expect(missed(err)).toEqual(["[2/4] COPY in /in runs again: in changed (1 line)", "[3/4] RUN wc -c < /in > /size; rm /in runs again: it stands on [2/4] COPY in /in: in changed (1 line)"]);
  });
});

describe.skipIf(BUSYBOX === undefined)("a command that left what it left before", () => {
  const MAKE = "FROM busybox\nCOPY main.c /\nRUN wc -l < /main.c > /main.o\n";
  const layers = async (name: string): Promise<readonly string[]> => JSON.parse(await rig.ok(["inspect", "--format", "{{json .RootFS.Layers}}", name])) as string[];

  test("keeps the earlier layer, whatever the command was", async () => {
    const directory = rig.context({ Dockerfile: MAKE, "main.c": "one\n" });
    await rig.ok(["build", "-q", "--network=none", "-t", "make-1", directory]);
    writeFiles(directory, { "main.c": "two\n", Dockerfile: MAKE.replace("wc -l < /main.c", "cat /main.c | wc -l") });
    await rig.ok(["build", "-q", "--network=none", "-t", "make-2", directory]);
    const [before, after] = [await layers("make-1"), await layers("make-2")];
    expect(after.at(-1)).toBe(before.at(-1));
    expect(after.at(-2)).not.toBe(before.at(-2));
  });

  test("is not older for the next one than what it was made from, as after a build without a cache", async () => {
    const directory = rig.context({ Dockerfile: `${MAKE}RUN test -e /main.o\n`, "main.c": "one\n" });
    await rig.ok(["build", "-q", "--network=none", "-t", "order-1", directory]);
    writeFiles(directory, { "main.c": "two\n" });
    await rig.ok(["build", "-q", "--network=none", "-t", "order-2", directory]);
    expect((await layers("order-2"))[2]).not.toBe((await layers("order-1"))[2]);
    // A source that is older than both leaves the order as it is.
    writeFiles(directory, { "main.c": "six\n" });
    utimesSync(path.join(directory, "main.c"), 1, 1);
    await rig.ok(["build", "-q", "--network=none", "-t", "order-3", directory]);
    expect((await layers("order-3"))[2]).toBe((await layers("order-2"))[2]);
  });
});

describe.skipIf(BUSYBOX === undefined)("steps at the same time", { retry: 0 }, () => {
  /** Answers when `count` requests wait. */
  function meeting(count: number) {
    const waiting: ServerResponse[] = [];
    const asked: string[] = [];
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      asked.push(request.url!);
      if (waiting.push(response) >= count) for (const one of waiting.splice(0)) one.end("met\n");
    };
    return { asked, listener };
  }

  test("stages that do not need each other run together", async () => {
    const { asked, listener } = meeting(2);
    await using server = await served(listener);
    // Each waits for the answer that comes only when both have asked.
    const Dockerfile = `FROM busybox AS a\nRUN wget -q -O /a ${server.url}/a\nFROM busybox AS b\nRUN wget -q -O /b ${server.url}/b\nFROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n`;
    expect((await rig.build("--network=host", rig.context({ Dockerfile }))).code).toBe(0);
    expect(asked.sort()).toEqual(["/a", "/b"]);
  });

  test("a step that two stages ask for runs once", async () => {
    const { asked, listener } = meeting(1);
    await using server = await served(listener);
    const run = `RUN wget -q -O /got ${server.url}/once\n`;
    const Dockerfile = `FROM busybox AS a\n${run}FROM busybox AS b\n${run}FROM scratch\nCOPY --from=a /got /a\nCOPY --from=b /got /b\n`;
    expect((await rig.build("--network=host", rig.context({ Dockerfile }))).code).toBe(0);
    expect(asked).toEqual(["/once"]);
  });

  test("a step that two processes ask for runs once; the other takes what it made", async () => {
    const asked: ServerResponse[] = [];
    let count = 0;
    await using server = await served((_, response) => {
      count += 1;
      asked.push(response);
    });
    const directory = rig.context({ Dockerfile: `FROM busybox\nRUN wget -q -O /got ${server.url}/once\n` });
    const builds = [0, 1].map(() => started(["build", "--progress=plain", "--network=host", directory]));
    // The one that runs the step is answered when both have come to it.
    await Promise.all(builds.map((build) => build.says(/FROM .*busybox/)));
    await until(() => asked.length > 0);
    asked[0]!.end("met\n");
    const ends = await Promise.all(builds.map((build) => build.end));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(count).toBe(1);
    expect(ends.map(({ err }) => outcomes(err).find((one) => one.startsWith("2/"))).sort()).toEqual(["2/2 CACHED", "2/2 DONE"]);
  });

  test("sixteen processes at once run each step once, in two Dockerfiles that share some, and give one image a Dockerfile", async () => {
    const asked: string[] = [];
    await using server = await served((request, response) => {
      asked.push(request.url!);
      response.end("got\n");
    });
    const shared = `FROM busybox AS a\nRUN wget -q -O /a ${server.url}/a\nFROM busybox AS b\nRUN wget -q -O /b ${server.url}/b\n`;
    const files = { x: "x", "d/y": "y" };
    const directories = ["one", "two"].map((name) => rig.context({ ...files, Dockerfile: `${shared}FROM busybox\nCOPY . /in\nCOPY --from=a /a /\nCOPY --from=b /b /\nRUN wget -q -O /${name} ${server.url}/${name}\n` }));
    const builds = Array.from({ length: 16 }, (_, number) => started(["build", "--progress=plain", "--network=host", "-t", `sixteen-${number}`, directories[number % 2]!]));
    const ends = await Promise.all(builds.map((build) => build.end));
    expect(ends.map(({ code }) => code)).toEqual(Array.from({ length: 16 }, () => 0));
    expect(asked.sort()).toEqual(["/a", "/b", "/one", "/two"]);
    const ids = await Promise.all(ends.map(async (_, number) => (await rig.ok(["images", "-q", "--no-trunc", `sixteen-${number}`])).trim()));
    expect(new Set(ids.filter((_, number) => number % 2 === 0)).size).toBe(1);
    expect(new Set(ids.filter((_, number) => number % 2 === 1)).size).toBe(1);
  });

  test("a failure ends what still runs, shows the command and its last output, and keeps nothing half-made", async () => {
    let hanging: ServerResponse | undefined;
    const closed = Promise.withResolvers<void>();
    await using server = await served((request, response) => {
      if (request.url === "/hang") {
        hanging = response.on("close", closed.resolve);
        waitingForHang?.end("go");
      } else if (hanging === undefined) waitingForHang = response;
      else response.end("go");
    });
    let waitingForHang: ServerResponse | undefined;
    const Dockerfile = `FROM busybox AS slow\nRUN wget -q -O /x ${server.url}/hang\nFROM busybox AS bad\nRUN wget -q -O /x ${server.url}/go && echo last words && exit 7\nFROM slow\nCOPY --from=bad /x /y\nRUN echo never\n`;
    const before = await rig.ok(["images", "-aq"]);
    const { code, err } = await rig.build("--network=host", "-t", "never", rig.context({ Dockerfile }));
    await closed.promise;
    expect(code).toBe(1);
    expect(outcomes(err).filter((one) => /ERROR|CANCELED/.test(one)).length).toBeGreaterThanOrEqual(2);
    expect(err).toMatch(/------\n > \[bad 2\/2\] RUN wget .*:\n\d+\.\d{3} last words\n------\nDockerfile:4\n/);
    expect(err).toContain(`   4 | >>> RUN wget -q -O /x ${server.url}/go && echo last words && exit 7\n`);
    expect(err).toMatch(/ERROR: failed to solve: process "\/bin\/sh -c wget .*" did not complete successfully: exit code: 7\n/);
    expect(err).not.toContain("echo never\n#");
    expect(await rig.ok(["images", "-aq"])).toBe(before);
    expect(temporaries()).toEqual([]);
  });

  test("Ctrl-C ends with 130, and leaves no process, mount or temporary file", async () => {
    const marker = `laminate-interrupted-${process.pid}`;
    const build = started(["build", "--progress=plain", "--network=none", rig.context({ Dockerfile: `FROM busybox\nRUN echo started; sleep 1000 || echo ${marker}\n` })]);
    await build.says(/ started$/m);
    build.kill("SIGINT");
    const { code, err } = await build.end;
    expect(code).toBe(130);
    expect(outcomes(err)).toContain("2/2 CANCELED");
    const mine = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid).map((pid) => textOf(`/proc/${pid}/cmdline`) + textOf(`/proc/${pid}/mountinfo`));
    expect(mine.filter((text) => text.includes(marker) || text.includes(rig.root))).toEqual([]);
    expect(temporaries()).toEqual([]);
  });
});

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** What lies in the store's place for what is not finished. */
function temporaries(): string[] {
  const directory = path.join(rig.root, "tmp");
  return existsSync(directory) ? readdirSync(directory) : [];
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Starts the command as a process of its own. */
function started(args: readonly string[]) {
  const child = spawn(process.execPath, [ENTRY, ...args], { env: { ...process.env, LAMINATE_ROOT: rig.root }, stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const end = new Promise<{ code: number | null; err: string }>((resolve) => child.once("close", (code) => resolve({ code, err })));
  return { end, says: (pattern: RegExp) => until(() => pattern.test(err) || child.exitCode !== null), kill: (signal: NodeJS.Signals) => child.kill(signal) };
}
