import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFakeActionsCache, type FakeActionsCache } from "../../testing/actions-cache-server.ts";
import { BUSYBOX, type BuildRig } from "../../testing/builds.ts";
import { imageId, machine, outcomes } from "../../testing/machines.ts";

/* Caches in the cache service of GitHub Actions, of which there is a fake only. */

const FILES = { Dockerfile: ["FROM busybox AS build", "COPY src /src", "RUN cat /src/a > /made", "FROM busybox", "COPY --from=build /made /out/", ""].join("\n"), "src/a": "a" };

describe.skipIf(BUSYBOX === undefined)("a cache of GitHub Actions", () => {
  let service: FakeActionsCache;
  let rig: BuildRig;
  beforeAll(async () => {
    service = await startFakeActionsCache();
    rig = await machine({ env: service.env });
  });
  beforeEach(() => service.forget());
  afterAll(async () => {
    for (const each of [rig, service]) await each[Symbol.asyncDispose]();
  });

  const job = () => machine({ like: rig, env: service.env });

  test("spares another job every step, and gives the same image", async () => {
    await using other = await job();
    const directory = rig.context(FILES);
    const { code, err } = await rig.build("-t", "app", "--cache-to", "type=gha,mode=max", directory);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining("exporting cache to gha:laminate") as unknown });
    const built = await other.build("-t", "app", "--cache-from", "type=gha", directory);
    expect(built).toMatchObject({ code: 0, err: expect.stringContaining("3 steps were found in the cache of gha:laminate") as unknown });
    expect(await outcomes(other)).toEqual(["cached elsewhere", "cached elsewhere", "cached elsewhere"]);
    expect(await imageId(other, "app")).toBe(await imageId(rig, "app"));
  });

  test("gets only what it lacks, and a new list only when that is another; each scope has its own", async () => {
    const directory = rig.context(FILES);
    await rig.build("--cache-to", "type=gha,mode=max,scope=a", directory);
    service.asked();
    await rig.build("--cache-to", "type=gha,mode=max,scope=a", directory);
    expect(service.asked().filter((call) => !call.startsWith("GetCacheEntryDownloadURL"))).toEqual([]);
    await rig.build("--cache-to", "type=gha,mode=min,scope=a", "--cache-to", "type=gha,mode=max,scope=a-b", directory);
    expect(service.keys().filter((key) => key.includes("-list-")).map((key) => key.replace(/#.*/, ""))).toEqual(["laminate-list-1-a", "laminate-list-1-a", "laminate-list-1-a-b"]);
    await using other = await job();
    await other.build("--cache-from", "type=gha,scope=a", directory);
    expect(await outcomes(other)).toEqual(["ran", "ran", "cached elsewhere"]); // the youngest list of the scope has the image's steps only
  });

  test("gets a large blob in blocks, and one that is cut on its way back is taken up where it was", async () => {
    await using other = await job();
    const bytes = randomBytes(17 << 20);
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY large /\n", large: bytes });
    expect((await rig.build("--cache-to", "type=gha", directory)).code).toBe(0);
    expect(service.asked().filter((call) => call.startsWith("PUT block"))).toEqual(["PUT block", "PUT block", "PUT blocklist"]);
    service.cutNext(5 << 20);
    expect((await other.build("-t", "app", "--cache-from", "type=gha", directory)).code).toBe(0);
    expect(await outcomes(other)).toEqual(["cached elsewhere"]);
    expect((await other.saved("app")).layers.at(-1)).toMatchObject([{ path: "large", size: bytes.length }]);
  });

  test("with other bytes than it lists is left out, and the steps run", async () => {
    await using other = await job();
    const directory = rig.context(FILES);
    await rig.build("--cache-to", "type=gha,mode=max", directory);
    service.spoil();
    expect(await other.build("--cache-from", "type=gha", directory)).toMatchObject({ code: 0, err: expect.stringContaining("--cache-from gha:laminate is left out: ") as unknown });
  });

  test("that another job began to write and did not end is waited for, not longer than timeout says", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\n", f: "begun" });
    await rig.build("--cache-to", "type=gha", directory);
    const keys = service.keys().filter((key) => key.includes("-blob-"));
    service.forget();
    service.reserve(keys[0]!);
    expect(await rig.build("--cache-to", "type=gha,timeout=100ms", directory)).toMatchObject({ code: 1, err: expect.stringContaining("gha:laminate: it took longer than 0.1 s") as unknown });
  });

  test("is left out by who is in no job, and refused in the service's first version; a token is in no message", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\n", f: "f" });
    await using outside = await machine({ like: rig, env: { ACTIONS_RESULTS_URL: "", ACTIONS_RUNTIME_TOKEN: "" } });
    const { code, err } = await outside.build("--cache-from", "type=gha", "--cache-to", "type=gha", directory);
    expect({ code, said: err.match(/gha:laminate is left out: this is no job of GitHub Actions/g)?.length }).toEqual({ code: 0, said: 2 });
    expect(await outside.build("--cache-from", "type=gha,version=1", directory)).toMatchObject({ code: 125, err: expect.stringContaining("version 1 of GitHub's cache service is not supported") as unknown });
    const wrong = await rig.build("--cache-to", "type=gha,token=another", directory);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("unauthenticated: the token is not valid") as unknown });
    expect(await rig.build("--cache-to", "type=gha,token=another,mode=most", directory)).toMatchObject({ code: 125, err: expect.not.stringContaining("another") as unknown });
  });
});
