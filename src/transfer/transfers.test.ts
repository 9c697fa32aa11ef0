import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { mediaTypes } from "../oci/descriptor.ts";
import { ImageRig } from "../testing/images.ts";
import { layerOf, RegistryContent } from "../testing/registry-content.ts";
import { registryProxy, type Meddling, type RegistryProxy } from "../testing/registry-proxy.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";
import { processesOf, start } from "../testing/spawned.ts";

const BIG = 6 << 20;
const isDownload = ({ method, url = "" }: IncomingMessage) => method === "GET" && url.includes("/blobs/sha256:");
const isUpload = ({ method, url = "", headers }: IncomingMessage) => url.includes("/blobs/uploads/") && Number(headers["content-length"] ?? 0) > 100_000 && method !== "POST";

/** Meddles with the first exchange of a kind. */
function first(kind: (request: IncomingMessage) => boolean, meddling: Meddling): (request: IncomingMessage) => Meddling | undefined {
  let met = false;
  return (request) => (!met && kind(request) ? ((met = true), meddling) : undefined);
}

describe.skipIf(!existsSync("/usr/bin/docker-registry"))("a transfer", () => {
  let registry: TestRegistry;
  let rig: ImageRig;
  let repository: string;
  const proxies: RegistryProxy[] = [];

  beforeAll(async () => void (registry = await startRegistry()));
  afterAll(() => registry[Symbol.asyncDispose]());
  beforeEach(() => {
    rig = new ImageRig();
    repository = `me/${randomBytes(6).toString("hex")}`;
  });
  afterEach(async () => {
    for (const each of [rig, ...proxies.splice(0)]) await each[Symbol.asyncDispose]();
  });

  /** The registry as seen through a wire, and an image's name there. */
  async function through(meddle?: (request: IncomingMessage) => Meddling | undefined): Promise<{ proxy: RegistryProxy; name: string }> {
    const proxy = await registryProxy(registry.port, meddle);
    proxies.push(proxy);
    return { proxy, name: `localhost:${proxy.port}/${repository}:1` };
  }

  /** An image with layers that do not compress. */
  async function placed(sizes: readonly number[]): Promise<void> {
    const content = new RegistryContent(registry.port, repository);
    await content.image(await Promise.all(sizes.map((size) => layerOf(randomBytes(size).toString("latin1"), mediaTypes.layerGzip, gzipSync))), { tag: "1" });
  }

  const big = (name: string) => rig.image(name, { data: randomBytes(BIG).toString("latin1") });
  const partial = () => readdirSync(path.join(rig.root, "partial"));

  test("sends a blob once to a registry, and has it mounted into other repositories", async () => {
    const { proxy, name } = await through();
    await big(name);
    await rig.ok(["push", name]);
    proxy.log.length = 0;
    await rig.ok(["push", name]);
    expect(proxy.log.map(({ method, status }) => `${method} ${status}`).filter((line) => line !== "GET 200")).toEqual(["HEAD 200", "HEAD 200", "PUT 201"]);
    proxy.log.length = 0;
    const other = `localhost:${proxy.port}/${repository}-other:1`;
    await rig.ok(["tag", name, other]);
    await rig.ok(["push", other]);
    const posts = proxy.log.filter(({ method }) => method === "POST");
    expect(posts.map(({ status, path: target }) => [status, new URL(target, "http://x").searchParams.get("from")])).toEqual([[201, repository], [201, repository]]);
    expect(proxy.log.filter(({ method }) => method === "PUT" || method === "PATCH")).toEqual([expect.objectContaining({ path: expect.stringContaining("/manifests/1") })]);
  });

  test("has at most three downloads and five uploads at a time, and more than one", async () => {
    await placed([1, 2, 3, 4, 5, 6, 7, 8].map((size) => size * 1000));
    const pulling = await through(() => ({ delay: 50 }));
    await rig.ok(["pull", pulling.name]);
    expect(pulling.proxy.peak()).toBeGreaterThan(1);
    expect(pulling.proxy.peak()).toBeLessThanOrEqual(3);
    const pushing = await through(() => ({ delay: 50 }));
    const other = `localhost:${pushing.proxy.port}/${repository}-again:1`;
    await rig.ok(["tag", pulling.name, other]);
    await rig.ok(["push", other]);
    expect(pushing.proxy.peak()).toBeGreaterThan(1);
    expect(pushing.proxy.peak()).toBeLessThanOrEqual(5);
  });

  test("down that Ctrl-C ends exits with 130, names nothing, leaves no process, and is taken up where it was", async () => {
    await placed([BIG]);
    const { proxy, name } = await through((request) => (isDownload(request) && request.headers.range === undefined ? { after: { bytes: 3 << 20, of: "response", does: "stall" } } : undefined));
    const { child, ended } = start(["pull", name], rig.env);
    await proxy.stalled();
    await vi.waitUntil(() => partial().some((file) => statSync(path.join(rig.root, "partial", file)).size > 0), 150_000); // what was sent may not have been read yet
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, err: expect.stringContaining("interrupted") });
    expect(processesOf(rig.root)).toEqual([]);
    expect(await rig.ok(["images", "-aq"])).toBe("");
    await rig.ok(["pull", name]);
    expect(proxy.log.filter(({ range }) => range !== undefined)).toEqual([expect.objectContaining({ status: 206, range: expect.stringMatching(/^bytes=[1-9]\d+-$/) })]);
    expect(partial()).toEqual([]);
  });

  test("up that Ctrl-C ends exits with 130 and leaves no image there; the next one brings it whole", async () => {
    const { proxy, name } = await through(first(isUpload, { after: { bytes: 1 << 20, of: "request", does: "stall" } }));
    await big(name);
    const { child, ended } = start(["push", name], rig.env);
    await proxy.stalled();
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    expect(processesOf(rig.root)).toEqual([]);
    await using other = new ImageRig();
    expect(await other.run(["pull", name])).toMatchObject({ code: 1 });
    await rig.ok(["push", name]);
    await other.ok(["pull", name]);
    expect(await other.ok(["images", "-q"])).toBe(await rig.ok(["images", "-q"]));
  });

  test("down that is cut goes on in the middle, and from the start where the registry knows no ranges", async () => {
    await placed([BIG]);
    const cut: Meddling = { after: { bytes: 1 << 20, of: "response", does: "cut" } };
    const ranged = await through((request) => (isDownload(request) && request.headers.range === undefined ? cut : undefined));
    await rig.ok(["pull", ranged.name]);
    expect(ranged.proxy.log.some(({ status }) => status === 206)).toBe(true);
    await using other = new ImageRig();
    let cuts = 0;
    const rangeless = await through((request) => ({ without: ["range"], ...(isDownload(request) && (cuts += 1) === 2 ? cut : {}) }));
    await other.ok(["pull", rangeless.name]);
    expect(rangeless.proxy.log.filter(({ path: target, status }) => target.includes("/blobs/") && status === 200).length).toBe(3);
    expect(await other.ok(["images", "-q"])).toBe(await rig.ok(["images", "-q"]));
  });

  test("up that is cut in the middle of a stream begins it anew, where the registry cannot go on", async () => {
    const { proxy, name } = await through(first(isUpload, { after: { bytes: 1 << 20, of: "request", does: "cut" } }));
    await big(name);
    await rig.ok(["push", name]);
    expect(uploads(proxy)).toEqual(["PATCH 202"]);
    await using other = new ImageRig();
    await other.ok(["pull", name]);
  });

  test("up through something that takes small requests only goes in pieces, and after a cut from the last whole one", async () => {
    let pieces = 0;
    const { proxy, name } = await through((request) => {
      if (request.headers["transfer-encoding"] !== undefined) return { refuse: 413 };
      if (!isUpload(request)) return undefined;
      if (Number(request.headers["content-length"]) > 10 << 20) return { refuse: 413 };
      return (pieces += 1) === 2 ? { after: { bytes: 0, of: "request", does: "cut" } } : undefined;
    });
    await rig.image(name, { data: randomBytes(12 << 20).toString("latin1") });
    await rig.ok(["push", name]);
    expect(uploads(proxy)).toEqual([`PATCH 202 0-${(8 << 20) - 1}`, expect.stringMatching(new RegExp(`^PATCH 202 ${8 << 20}-\\d+$`))]);
    await using other = new ImageRig();
    await other.ok(["pull", name]);
  });
});

/** The large requests that brought blobs, with their ranges. */
function uploads({ log }: RegistryProxy): string[] {
  return log.filter(({ method, contentLength }) => (method === "PATCH" || method === "PUT") && contentLength > 100_000).map(({ method, status, contentRange }) => `${method} ${status}${contentRange === undefined ? "" : ` ${contentRange}`}`);
}
