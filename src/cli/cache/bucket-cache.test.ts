import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, type BuildRig } from "../../testing/builds.ts";
import { imageId, layersOf, machine, outcomes } from "../../testing/machines.ts";
import { S3_USER, startBucket, type TestBucket } from "../../testing/s3-server.ts";

/* Caches in a bucket of an S3 server that is not ours and checks signatures. */

const FILES = { Dockerfile: ["FROM busybox AS build", "COPY src /src", "RUN cat /src/a > /made", "FROM busybox", "COPY --from=build /made /out/", "RUN echo last >> /out/made", ""].join("\n"), "src/a": "a" };
const SECRET = "not-what-it-was";

describe.skipIf(BUSYBOX === undefined)("a cache in a bucket", () => {
  let bucket: TestBucket;
  let rig: BuildRig;
  let other: BuildRig;
  beforeAll(async () => {
    bucket = await startBucket();
    rig = await machine({ env: S3_USER });
    other = await machine({ like: rig, env: S3_USER });
  });
  afterAll(async () => {
    for (const each of [rig, other, bucket]) await each[Symbol.asyncDispose]();
  });

  const at = (name: string, ...more: readonly string[]): string => ["type=s3", `bucket=${bucket.bucket}`, "region=eu-west-1", `endpoint_url=${bucket.endpoint}`, "use_path_style=true", `name=${name}`, ...more].join(",");

  test("spares another machine every step, and gives the same image; layers that only a stage has are not fetched", async () => {
    const directory = rig.context(FILES);
    const { code, err } = await rig.build("-t", "app", "--cache-to", at("app", "mode=max", "prefix=team/"), directory);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining("exporting cache to s3://caches/team/manifests/app") as unknown });
    expect(bucket.keys().filter((key) => !/^team\/blobs\/sha256:[0-9a-f]{64}$/.test(key))).toEqual(["team/manifests/app"]);
    const before = layersOf(other).length;
    const built = await other.build("-t", "app", "--cache-from", at("app", "prefix=team/"), directory);
    expect({ code: built.code, missed: built.err.includes("MISS") }).toEqual({ code: 0, missed: false });
    expect(built.err).toContain("4 steps were found in the cache of s3://caches/team/manifests/app");
    expect(await outcomes(other)).toEqual(["cached elsewhere", "cached elsewhere", "cached elsewhere", "cached elsewhere"]);
    expect(await imageId(other, "app")).toBe(await imageId(rig, "app"));
    expect(layersOf(other).length - before).toBe(2);
  });

  test("gets only what it lacks; what was there for long is renewed", async () => {
    const directory = rig.context(FILES);
    await rig.build("--cache-to", at("again", "mode=max"), directory);
    const blobs = bucket.keys().filter((key) => key.startsWith("blobs/")).length;
    bucket.asked();
    await rig.build("--cache-to", at("again;more", "mode=max"), directory);
    expect(bucket.asked().filter((request) => !request.startsWith("HEAD"))).toEqual(["PUT /caches/manifests/again", "PUT /caches/manifests/more"]);
    expect(await rig.build("--cache-to", at("again", "mode=max", "touch_refresh=0s"), directory)).toMatchObject({ code: 0 });

    expect(bucket.asked().filter((request) => request.startsWith("PUT /caches/blobs/"))).toHaveLength(blobs);
  });

  test("gets a large blob in parts, and one that is cut on its way back is taken up where it was", async () => {
    await using third = await machine({ like: rig, env: S3_USER });
    const bytes = randomBytes(17 << 20);
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY large /\n", large: bytes });
    bucket.asked();
    expect((await rig.build("--cache-to", at("large", "mode=max"), directory)).code).toBe(0);
    const asked = bucket.asked();
    expect(asked.filter((request) => request.includes("partNumber=")).length).toBe(2);
    const large = /PUT \/caches\/(blobs\/sha256:[0-9a-f]+)\?partNumber/.exec(asked.join("\n"))![1]!;
    bucket.cutNext(new RegExp(`^GET /caches/${large}`), 5 << 20);
    const built = await third.build("-t", "app", "--cache-from", at("large"), directory);
    expect(built.code).toBe(0);
    expect(await outcomes(third)).toEqual(["cached elsewhere"]);
    expect(bucket.asked().filter((request) => request === `GET /caches/${large}`)).toHaveLength(2);
    expect((await third.saved("app")).layers.at(-1)).toMatchObject([{ path: "large", size: bytes.length }]);
  });

  test("that has lost a blob is left out, and the steps run", async () => {
    await using third = await machine({ like: rig, env: S3_USER });
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\nRUN cat /f\n", f: "lost" });
    const before = new Set(bucket.keys());
    await rig.build("--cache-to", at("lost", "mode=max"), directory);
    for (const key of bucket.keys()) if (key.startsWith("blobs/") && !before.has(key)) bucket.remove(key);
    const { code, err } = await third.build("--cache-from", at("lost"), directory);
    expect({ code, left: /--cache-from s3:\/\/caches\/manifests\/lost is left out: /.test(err) }).toEqual({ code: 0, left: true });
  });

  test("that cannot be read is a warning, one that cannot be written an error, with the server's reason and no secret", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nRUN echo 1\n" });
    const wrong = ["access_key_id=S3RVER", `secret_access_key=${SECRET}`];
    const read = await rig.build("--cache-from", at("app", ...wrong), directory);
    expect(read).toMatchObject({ code: 0, err: expect.stringMatching(/--cache-from s3:\S+ is left out: read s3:\S+: SignatureDoesNotMatch: /) as unknown });
    const written = await rig.build("--cache-to", at("app", ...wrong), directory);
    expect(written).toMatchObject({ code: 1, err: expect.stringContaining("SignatureDoesNotMatch") as unknown });
    expect((await rig.build("--cache-to", at("app", ...wrong, "ignore-error=true"), directory)).code).toBe(0);
    expect(await rig.build("--cache-from", at("nothing"), directory)).toMatchObject({ code: 0, err: expect.stringContaining("s3://caches/manifests/nothing has no build cache of ours") as unknown });
    expect(await rig.build("--cache-from", at("app").replace("bucket=caches", "bucket=nobodys"), directory)).toMatchObject({ code: 0, err: expect.stringContaining("NoSuchBucket") as unknown });
    const mistaken = await rig.run(["build", "--cache-to", at("app", ...wrong, "mode=most"), directory]);
    expect(mistaken).toMatchObject({ code: 125, err: expect.stringContaining("mode is") as unknown });
    expect([read, written, mistaken].some(({ err }) => err.includes(SECRET))).toBe(false);
  });

  test("that BuildKit wrote is told to be that", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nRUN echo 1\n" });
    await rig.build("--cache-to", at("ours"), directory);
    bucket.write("manifests/buildkit", JSON.stringify({ layers: [], records: [] }));
    expect(await rig.build("--cache-from", at("buildkit"), directory)).toMatchObject({ code: 0, err: expect.stringContaining("this cache was written by BuildKit") as unknown });
  });
});
