import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, type BuildRig, writeFiles } from "../../testing/builds.ts";
import { layersOf, machine, outcomes } from "../../testing/machines.ts";

/* What RUN --mount=type=cache keeps goes to other machines with a build cache, where that is asked for. */

/** Says what it found in the cache mount, and leaves a line there. */
const step = (mount: string, ...more: readonly string[]): string => ["FROM busybox", "COPY f /f", `RUN --mount=type=cache,${mount} cat /c/lines 2>/dev/null; cat /f >> /c/lines; touch /made # ${mount}`, ...more, ""].join("\n");

describe.skipIf(BUSYBOX === undefined)("a cache mount", () => {
  let rig: BuildRig;
  beforeAll(async () => void (rig = await machine()));
  afterAll(() => rig[Symbol.asyncDispose]());

  /** Where a build keeps its cache, and what another says to find it. */
  const place = (name: string): { readonly to: string; readonly from: string; readonly directory: string } => {
    const directory = path.join(rig.directory, name);
    return { to: `type=local,dest=${directory},mode=max`, from: `type=local,src=${directory}`, directory };
  };

  const lines = (from: BuildRig): string[] => readdirSync(path.join(from.root, "caches")).map((name) => readFileSync(path.join(from.root, "caches", name, "data/lines"), "utf8"));

  test("begins on another machine with what it had here, before the first step that has it; none is fetched for steps that do not run", async () => {
    await using other = await machine({ like: rig });
    const { to, from } = place("begins");
    const directory = rig.context({ Dockerfile: step("target=/c,id=lines"), f: "one\n" });
    expect((await rig.build("--cache-to", `${to},cache-mounts=true`, directory)).code).toBe(0);
    const cached = await other.build("--cache-from", from, directory);
    expect({ code: cached.code, outcomes: await outcomes(other), mounts: existsSync(path.join(other.root, "caches")) }).toEqual({ code: 0, outcomes: ["cached elsewhere", "cached elsewhere"], mounts: false });
    writeFiles(directory, { f: "two\n" });
    const { err } = await other.build("--cache-from", from, directory);
    expect(err).toMatch(/#\d+ \S+ one\n/);
    expect(err).toContain('the cache mount "lines" begins with what the cache of');
    expect(lines(other)).toEqual(["one\ntwo\n"]);
  });

  test("that is there stays as it is, and is in no key", async () => {
    await using other = await machine({ like: rig });
    const { to, from } = place("stays");
    const directory = rig.context({ Dockerfile: step("target=/c,id=stays"), f: "far\n" });
    await rig.build("--cache-to", `${to},cache-mounts=true`, directory);
    await other.build(other.context({ Dockerfile: step("target=/c,id=stays"), f: "near\n" }));
    await other.build("--no-cache", "--cache-from", from, directory);
    expect(lines(other)).toEqual(["near\nfar\n"]);
    expect(await outcomes(other)).toEqual(["ran", "ran"]);
  });

  test("that a build did not need stays in the cache that it writes", async () => {
    await using other = await machine({ like: rig });
    await using third = await machine({ like: rig });
    const [a, b] = [place("through-a"), place("through-b")];
    const directory = rig.context({ Dockerfile: step("target=/c,id=through"), f: "one\n" });
    await rig.build("--cache-to", `${a.to},cache-mounts=true`, directory);
    const before = layersOf(other);
    expect((await other.build("-o", "type=cacheonly", "--cache-from", a.from, "--cache-to", `${b.to},cache-mounts=true`, directory)).code).toBe(0);
    expect(layersOf(other).filter((layer) => !before.includes(layer))).toHaveLength(2); // of the steps; what the mount was packed as went
    writeFiles(directory, { f: "two\n" });
    await third.build("--cache-from", b.from, directory);
    expect(lines(third)).toEqual(["one\ntwo\n"]);
  });

  test("goes as the same blob as long as nothing in it changes, and leaves nothing behind", async () => {
    const { to, directory: cache } = place("same");
    const directory = rig.context({ Dockerfile: step("target=/c,id=same"), f: "one\n" });
    await rig.build("--cache-to", `${to},cache-mounts=true`, directory);
    const [blobs, layers] = [readdirSync(path.join(cache, "blobs/sha256")), layersOf(rig)];
    await rig.build("--cache-to", `${to},cache-mounts=true`, directory);
    expect(readdirSync(path.join(cache, "blobs/sha256"))).toEqual(blobs);
    expect(layersOf(rig)).toEqual(layers);
  });

  test("stays here where it is too large or not asked for, and away where it is not wanted", async () => {
    await using other = await machine({ like: rig });
    const { to, from } = place("large");
    const directory = rig.context({ Dockerfile: step("target=/c,id=large"), f: "one\n" });
    const { err } = await rig.build("--cache-to", `${to},cache-mounts-max-size=3b`, directory);
    expect(err).toContain('the cache mount "large" has 4 bytes, more than cache-mounts-max-size: it stays here');
    await other.build("--no-cache", "--cache-from", from, directory);
    expect(lines(other)).toEqual(["one\n"]);
    await rig.build("--cache-to", `${to},cache-mounts=true`, directory);
    await using third = await machine({ like: rig });
    await third.build("--no-cache", "--cache-from", `${from},cache-mounts=false`, directory);
    expect(lines(third)).toEqual(["one\n"]);
  });

  test("with owners, modes, links and names of one file arrives as it was; one of another id, owner or beginning is another", async () => {
    await using other = await machine({ like: rig });
    const { to, from } = place("owners");
    const make = "mkdir /c/d; echo x > /c/d/x; ln /c/d/x /c/y; ln -s y /c/z; chown 101:102 /c/d; chmod 2750 /c/d";
    const look = "cd /c && ls -ldn d d/x y z";
    const dockerfile = (command: string): string => ["FROM busybox", `RUN --mount=type=cache,target=/c,id=owned,uid=101,gid=102,mode=0750 ${command}`, `RUN --mount=type=cache,target=/c,id=owned ls /c > /other`, ""].join("\n");
    await rig.build("--cache-to", `${to},cache-mounts=true`, rig.context({ Dockerfile: dockerfile(make) }));
    const shown = async (at: BuildRig, ...more: readonly string[]): Promise<string[]> => {
      const { err } = await at.build(...more, at.context({ Dockerfile: dockerfile(look) }));
      return [...err.matchAll(/#\d+ [\d.]+ ([dl-]\S+ .*)/g)].map(([, line]) => line!);
    };
    const here = await shown(rig);
    expect(here).toHaveLength(4);
    expect(await shown(other, "--cache-from", from)).toEqual(here);
  });
});
