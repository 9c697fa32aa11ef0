import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ImageRig } from "../testing/images.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";
import { registryProxy, type Meddling, type RegistryProxy } from "../testing/registry-proxy.ts";

describe.skipIf(!existsSync("/usr/bin/docker-registry"))("a large layer that was never compressed", () => {
  let registry: TestRegistry;
  let rig: ImageRig;
  let proxy: RegistryProxy;
  let name: string;
  const meddling: { with: (request: IncomingMessage) => Meddling | undefined } = { with: () => undefined };
  beforeAll(async () => void (registry = await startRegistry()));
  afterAll(() => registry[Symbol.asyncDispose]());
  beforeEach(async () => {
    meddling.with = () => undefined;
    proxy = await registryProxy(registry.port, (request) => meddling.with(request));
    name = `localhost:${proxy.port}/me/${randomBytes(6).toString("hex")}:1`;
    rig = new ImageRig();
    await rig.image(name, { data: randomBytes(20 << 20).toString("latin1") });
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** What was asked of the registry about blobs, in order; `sized` are requests that said how long they are. */
  const asked = () => proxy.log.filter(({ path }) => path.includes("/blobs/")).map(({ method, status, contentLength }) => `${method} ${status}${contentLength > 100_000 ? " sized" : ""}`);
  const isPatch = ({ method }: IncomingMessage) => method === "PATCH";

  /** The image as another store gets it from the registry is the one that was pushed. */
  async function arrived(): Promise<void> {
    await using other = new ImageRig();
    await other.ok(["pull", name]);
    expect(await other.ok(["images", "-q", "--no-trunc"])).toBe(await rig.ok(["images", "-q", "--no-trunc"]));
  }

  test("goes out while it is compressed, in one request, and is asked for the next time", async () => {
    await rig.ok(["push", name]);
    expect(asked().slice(0, 3)).toEqual(["POST 202", "PATCH 202", "PUT 201"]);
    expect(asked().filter((line) => line.startsWith("PATCH"))).toEqual(["PATCH 202"]);
    await arrived();
    proxy.log.length = 0;
    await rig.ok(["push", name]);
    expect(asked()).toEqual(["HEAD 200", "HEAD 200"]);
  });

  test.each([
    ["cut", { after: { bytes: 4 << 20, of: "request", does: "cut" } }],
    ["refused", { refuse: 500 }],
  ] as const)("is sent again from the store when its stream is %s", async (_, trouble) => {
    let patches = 0;
    meddling.with = (request) => (isPatch(request) && (patches += 1) === 1 ? trouble : undefined);
    await rig.ok(["push", name]);
    expect(asked().filter((line) => line.startsWith("PATCH"))).toEqual(["PATCH 202 sized"]);
    await arrived();
  });

  test("is sent again from the store when the registry does not take its digest", async () => {
    let puts = 0;
    meddling.with = ({ method, url }) => (method === "PUT" && url!.includes("/blobs/") && (puts += 1) === 1 ? { refuse: 400 } : undefined);
    await rig.ok(["push", name]);
    expect(asked().filter((line) => line.startsWith("PATCH"))).toEqual(["PATCH 202", "PATCH 202 sized"]);
    await arrived();
  });

  test("is asked for first where it may well be there: with SOURCE_DATE_EPOCH", async () => {
    await using reproducible = new ImageRig({ SOURCE_DATE_EPOCH: "1700000000" });
    await reproducible.image(name, { data: randomBytes(20 << 20).toString("latin1") });
    await reproducible.ok(["push", name]);
    expect(asked()[0]).toBe("HEAD 404");
  });
});
