import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";
import { imageId, layersOf, machine, outcomes } from "../testing/machines.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";

/* A cache that one machine wrote spares another the work. */

const DOCKERFILE = ["FROM busybox AS build", "COPY src /src", "RUN cat /src/a > /made; cat /proc/sys/kernel/random/uuid > /stamp", "FROM busybox", "COPY --from=build /made /stamp /out/", "RUN echo last >> /out/made", ""].join("\n");
const FILES = { Dockerfile: DOCKERFILE, "src/a": "a" };

describe.skipIf(BUSYBOX === undefined || !existsSync("/usr/bin/docker-registry"))("a cache in a registry", () => {
  let registry: TestRegistry;
  let rig: BuildRig;
  let other: BuildRig;
  beforeAll(async () => {
    [registry, rig] = await Promise.all([startRegistry(), machine()]);
    other = await machine({ like: rig });
  });
  afterAll(async () => {
    for (const each of [rig, other, registry]) await each[Symbol.asyncDispose]();
  });

  test("spares another machine every step, and gives the same image; layers that only a stage has are not fetched", async () => {
    const cache = `localhost:${registry.port}/app/cache:1`;
    const directory = rig.context(FILES);
    expect((await rig.build("-t", "app", "--cache-to", `type=registry,ref=${cache},mode=max`, directory)).err).toContain(`exporting cache to ${cache}`);
    const before = layersOf(other).length;
    const { code, err } = await other.build("-t", "app", "--cache-from", cache, directory);
    expect({ code, missed: err.includes("MISS") }).toEqual({ code: 0, missed: false });
    expect(err).toContain(`4 steps were found in the cache of ${cache}`);
    expect(await outcomes(other)).toEqual(["cached elsewhere", "cached elsewhere", "cached elsewhere", "cached elsewhere"]);
    expect(await imageId(other, "app")).toBe(await imageId(rig, "app"));
    expect(await other.ok(["builder", "prune", "--all", "--dry-run"])).toContain("RUN echo last >> /out/made  regular");
    // The two layers of the image itself: what COPY --from takes of the stage is in the list.
    expect(layersOf(other).length - before).toBe(2);
    expect((await other.saved("app")).text("out/made")).toBe("alast\n");
  });

  test("with a step missing runs that, on layers that are fetched then", async () => {
    await using third = await machine({ like: rig });
    const cache = `localhost:${registry.port}/app/cache:1`;
    const directory = rig.context({ ...FILES, Dockerfile: DOCKERFILE.replace("echo last", "echo other") });
    expect((await third.build("-t", "app", "--cache-from", `type=registry,ref=${cache}`, directory)).code).toBe(0);
    expect(await outcomes(third)).toEqual(["cached elsewhere", "cached elsewhere", "cached elsewhere", "ran"]);
    expect((await third.saved("app")).text("out/made")).toBe("aother\n");
  });

  test("that has all is written again without a layer being fetched, and another cache gets only what it lacks", async () => {
    await using third = await machine({ like: rig });
    const directory = rig.context({ ...FILES, "src/a": "again" });
    const cache = (name: string): string => `type=registry,ref=localhost:${registry.port}/again/${name}:1,mode=max`;
    await rig.build("--cache-to", cache("a"), directory);
    const before = layersOf(third).length;
    const again = await third.build("-o", "type=cacheonly", "--cache-from", cache("a").replace(",mode=max", ""), "--cache-to", cache("a"), directory);
    expect({ code: again.code, outcomes: await outcomes(third), layers: layersOf(third).length - before }).toEqual({ code: 0, outcomes: Array<string>(4).fill("cached elsewhere"), layers: 0 });
    expect((await third.build("-o", "type=cacheonly", "--cache-from", cache("a").replace(",mode=max", ""), "--cache-to", cache("b"), directory)).code).toBe(0);
    await using fourth = await machine({ like: rig });
    await fourth.build("-t", "app", "--cache-from", cache("b").replace(",mode=max", ""), directory);
    expect(await outcomes(fourth)).toEqual(Array<string>(4).fill("cached elsewhere"));
    expect((await fourth.saved("app")).text("out/made")).toBe("againlast\n");
  });

  test("spares another machine the base images too: their layers come only for who stands on them", async () => {
    await using empty = new BuildRig();
    const base = (name: string): string => `localhost:${registry.port}/base/${name}:1`;
    for (const name of ["tools", "slim"]) await rig.ok(["build", "-q", "--network=none", "-t", base(name), "--push", rig.context({ Dockerfile: `FROM busybox\nCOPY own /\n`, own: name })]);
    const dockerfile = (command: string): string => [`FROM ${base("tools")} AS build`, "COPY src /src", `RUN ${command} /src/a > /made`, `FROM ${base("slim")}`, "COPY --from=build /made /out/", ""].join("\n");
    const directory = rig.context({ Dockerfile: dockerfile("cat"), "src/a": "a" });
    const cache = `localhost:${registry.port}/base/cache:1`;
    await rig.build("-t", "on-bases", "--cache-to", `type=registry,ref=${cache},mode=max`, directory);
    const layers = async (image: string): Promise<readonly string[]> => (JSON.parse(await rig.ok(["inspect", "--format", "{{json .RootFS.Layers}}", image])) as string[]).map((layer) => layer.replace("sha256:", ""));
    const [tools, slim] = [await layers(base("tools")), await layers(base("slim"))];
    const own = tools.at(-1)!;

    expect((await empty.build("-o", "type=cacheonly", "--cache-from", cache, directory)).code).toBe(0);
    expect({ outcomes: await outcomes(empty), layers: layersOf(empty) }).toEqual({ outcomes: ["cached elsewhere", "cached elsewhere", "cached elsewhere"], layers: [] });
    expect((await empty.build("-t", "app", "--cache-from", cache, directory)).code).toBe(0);
    expect(layersOf(empty)).toEqual(expect.arrayContaining([...slim]));
    expect(layersOf(empty)).not.toContain(own);
    expect(await imageId(empty, "app")).toBe(await imageId(rig, "on-bases"));

    writeFiles(directory, { Dockerfile: dockerfile("wc -c") });
    await using third = new BuildRig();
    const { code, err } = await third.build("-t", "app", "--cache-from", cache, directory);
    expect({ code, outcomes: await outcomes(third) }).toEqual({ code: 0, outcomes: ["cached elsewhere", "ran", "ran"] });
    expect(err).not.toContain("the base image");
    expect(layersOf(third)).toEqual(expect.arrayContaining([own, slim.at(-1)]));
  });

  test("spares another machine what bind mounts show, until a step has to run on it", async () => {
    await using third = await machine({ like: rig });
    const dockerfile = (command: string): string => ["FROM busybox AS build", "COPY src /src", "FROM busybox", `RUN --mount=from=build,source=/src,target=/src ${command} /src/a > /out`, ""].join("\n");
    const directory = rig.context({ Dockerfile: dockerfile("cat"), "src/a": "bound" });
    const cache = `localhost:${registry.port}/bound/cache:1`;
    await rig.build("--cache-to", `type=registry,ref=${cache},mode=max`, directory);
    const before = layersOf(third).length;
    await third.build("-o", "type=cacheonly", "--cache-from", cache, directory);
    expect({ outcomes: await outcomes(third), layers: layersOf(third).length - before }).toEqual({ outcomes: ["cached elsewhere", "cached elsewhere"], layers: 0 });
    writeFiles(directory, { Dockerfile: dockerfile("wc -c") });
    await third.build("-t", "app", "--cache-from", cache, directory);
    expect((await third.saved("app")).text("out")).toBe("5 /src/a\n");
  });

  test("inside an image has the image's own steps", async () => {
    await using third = await machine({ like: rig });
    const name = `localhost:${registry.port}/app/inline:1`;
    const directory = rig.context(FILES);
    await rig.build("-t", name, "--cache-to", "type=inline", "--push", directory);
    const { err } = await third.build("-t", "app", "--cache-from", name, directory);
    expect(err).not.toContain("found in the cache"); // the stage's steps are not in it, and its stamp is another now
    const same = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\nRUN cat /proc/sys/kernel/random/uuid > /stamp\n", f: "f" });
    await rig.build("-t", name, "--cache-to", "type=inline", "--push", same);
    expect((await third.build("-t", "app", "--cache-from", name, same)).err).toContain(`2 steps were found in the cache of ${name}`);
    expect(await outcomes(third)).toEqual(["cached elsewhere", "cached elsewhere"]);
  });

  test("that is not there, or is none, is a warning and no more", async () => {
    await using third = await machine({ like: rig });
    const directory = rig.context({ Dockerfile: "FROM busybox\nRUN echo 1\n" });
    const { code, err } = await third.build("--cache-from", `localhost:${registry.port}/nothing:1`, directory);
    expect(code).toBe(0);
    expect(err).toMatch(/--cache-from localhost:\d+\/nothing:1 is left out: /);
    await rig.ok(["build", "-q", "--network=none", "-t", `localhost:${registry.port}/plain:1`, "--push", directory]);
    expect((await third.build("--cache-from", `localhost:${registry.port}/plain:1`, directory)).err).toContain("has no build cache of ours");
  });

  test("that cannot be written fails the build, unless its errors are to be ignored", async () => {
    const directory = rig.context(FILES);
    expect((await rig.build("--cache-to", "type=registry,ref=localhost:1/x:1", directory)).code).toBe(1);
    const ignored = await rig.build("--cache-to", "type=registry,ref=localhost:1/x:1,ignore-error=true", directory);
    expect(ignored.code).toBe(0);
    expect(ignored.err).toContain("ERROR");
  });
});

describe.skipIf(BUSYBOX === undefined)("a cache in a directory", () => {
  test("spares another machine the steps of the image, or all of them; skopeo and others find an OCI image layout", async () => {
    await using rig = await machine();
    await using other = await machine({ like: rig });
    await using third = await machine({ like: rig });
    const directory = rig.context(FILES);
    const [least, most] = ["min", "max"].map((mode) => path.join(rig.directory, mode)) as [string, string];
    expect((await rig.build("-t", "app", "--cache-to", `type=local,dest=${least}`, "--cache-to", `type=local,dest=${most},mode=max`, directory)).code).toBe(0);
    expect(JSON.parse(readFileSync(path.join(most, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(readdirSync(path.join(least, "blobs/sha256")).length).toBeLessThan(readdirSync(path.join(most, "blobs/sha256")).length);
    await other.build("-t", "app", "--cache-from", `type=local,src=${most}`, directory);
    expect(await outcomes(other)).toEqual(["cached elsewhere", "cached elsewhere", "cached elsewhere", "cached elsewhere"]);
    expect(await imageId(other, "app")).toBe(await imageId(rig, "app"));
    // Without the stage's steps its stamp is another, so what copies it cannot be found.
    await third.build("-t", "app", "--cache-from", `type=local,src=${least}`, directory);
    expect((await outcomes(third)).slice(0, 2)).toEqual(["ran", "ran"]);
  });

  test("whose blob was changed on its way is not believed: it is left out, and its steps run", async () => {
    await using rig = await machine();
    await using other = await machine({ like: rig });
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\nRUN cat /f\n", f: "one" });
    const cache = path.join(rig.directory, "cache");
    await rig.build("--cache-to", `type=local,dest=${cache},mode=max`, directory);
    const blobs = path.join(cache, "blobs/sha256");
    for (const name of readdirSync(blobs)) {
      const file = path.join(blobs, name);
      const bytes = readFileSync(file);
      if (bytes[0] === 0x1f) writeFileSync(file, bytes.fill(0, 12, bytes.length - 10));
    }
    const { code, err } = await other.build("-t", "app", "--cache-from", `type=local,src=${cache}`, directory);
    expect({ code, left: err.match(/--cache-from .* is left out: /g)?.length, found: err.includes("found in the cache") }).toEqual({ code: 0, left: 1, found: false });
    expect(await outcomes(other)).toEqual(["ran", "ran"]);
    expect((await other.saved("app")).layers).toHaveLength(3);
  });

  test("that says other files of a COPY than it takes is left out when that has to run", async () => {
    await using rig = await machine();
    await using other = await machine({ like: rig });
    const directory = rig.context({ ...FILES, Dockerfile: `${DOCKERFILE}RUN --mount=from=build,source=/made,target=/m cat /m >> /out/made\n` });
    const cache = path.join(rig.directory, "lying");
    await rig.build("--cache-to", `type=local,dest=${cache},mode=max`, directory);
    rewrite(cache, (config) => ({ ...config, selections: config.selections.map(({ of }) => ({ of, files: of })) }));
    const { code, err } = await other.build("-t", "app", "--cache-from", `type=local,src=${cache}`, directory);
    expect({ code, said: err.includes("is left out: a COPY takes other files than it says") }).toEqual({ code: 0, said: true });
    expect(await outcomes(other)).toEqual(["cached", "cached", "ran", "ran", "ran"]);
    expect((await other.saved("app")).text("out/made")).toBe("alast\na");
  });

  test.each(["/proc/cache", "/dev/null/cache"])("that cannot be made, as %s, fails the build at once", async (dest) => {
    await using rig = await machine();
    const directory = rig.context({ Dockerfile: "FROM busybox\nWORKDIR /a\n" });
    const { code, err } = await rig.build("--cache-to", `type=local,dest=${dest}`, directory);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining(`laminate: make the directory "${dest}": `) as string });
    expect((await rig.build("--cache-to", `type=local,dest=${dest},ignore-error=true`, directory)).code).toBe(0);
    expect((await rig.build("-o", dest, directory)).err).toContain(`laminate: make the directory "${dest}": `);
  });

  test("whose blob was cut short is made whole by the next build; one whose index is garbage is left alone", async () => {
    await using rig = await machine();
    await using other = await machine({ like: rig });
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\nRUN cat /f\n", f: "one" });
    const cache = path.join(rig.directory, "cache");
    await rig.build("--cache-to", `type=local,dest=${cache},mode=max`, directory);
    for (const name of readdirSync(path.join(cache, "blobs/sha256"))) writeFileSync(path.join(cache, "blobs/sha256", name), "");
    await rig.build("--cache-to", `type=local,dest=${cache},mode=max`, directory);
    await other.build("--cache-from", `type=local,src=${cache}`, directory);
    expect(await outcomes(other)).toEqual(["cached elsewhere", "cached elsewhere"]);
    writeFileSync(path.join(cache, "index.json"), '{"manifests":5}');
    expect(await rig.build("--cache-to", `type=local,dest=${cache}`, directory)).toMatchObject({ code: 1, err: expect.stringMatching(/laminate: read ".*index\.json": /) as string });
  });

  test("is updated by the next build, which others follow", async () => {
    await using rig = await machine();
    await using other = await machine({ like: rig });
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\nRUN cat /f\n", f: "one" });
    const cache = `type=local,dest=${path.join(rig.directory, "cache")},mode=max`;
    await rig.build("--cache-to", cache, directory);
    writeFiles(directory, { f: "two" });
    await rig.build("--cache-to", cache, directory);
    await other.build("--cache-from", cache.replace("dest=", "src=").replace(",mode=max", ""), directory);
    expect(await outcomes(other)).toEqual(["cached elsewhere", "cached elsewhere"]);
  });
});

interface CacheConfig {
  readonly selections: readonly { readonly of: string; readonly files: string }[];
}

/** Gives the cache in a layout another list, all digests right. */
function rewrite(directory: string, change: (config: CacheConfig) => CacheConfig): void {
  const read = (digest: string): unknown => JSON.parse(readFileSync(path.join(directory, "blobs/sha256", digest.slice(7)), "utf8"));
  const write = (value: unknown): { readonly digest: string; readonly size: number } => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    writeFileSync(path.join(directory, "blobs/sha256", digest.slice(7)), bytes);
    return { digest, size: bytes.length };
  };
  const index = JSON.parse(readFileSync(path.join(directory, "index.json"), "utf8")) as { manifests: [{ digest: string }] };
  const manifest = read(index.manifests[0].digest) as { config: { digest: string } };
  const config = { ...manifest.config, ...write(change(read(manifest.config.digest) as CacheConfig)) };
  index.manifests[0] = { ...index.manifests[0], ...write({ ...manifest, config }) };
  writeFileSync(path.join(directory, "index.json"), JSON.stringify(index));
}
