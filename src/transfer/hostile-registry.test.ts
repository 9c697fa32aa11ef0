import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { hostileRegistry, type HostileImage, type HostileRegistry, type Misbehaviour } from "../testing/hostile-registry.ts";
import { ImageRig } from "../testing/images.ts";

const config = mkdtempSync(path.join(tmpdir(), "laminate-hostile-"));
afterAll(() => rmSync(config, { recursive: true, force: true }));

/** Pulls from a registry that misbehaves; what it says when it fails is for the test to look at, the store must be as it was. */
async function pull(registry: HostileRegistry, rig: ImageRig) {
  const ran = await rig.run(["pull", registry.image]);
  if (ran.code !== 0) expect(await rig.ok(["images", "-q"])).toBe("");
  return ran;
}

/** Answers requests for one thing with a status. */
function status(of: "ping" | "manifest" | "config" | "layer", code: number, body = "", headers: Readonly<Record<string, string>> = {}): Misbehaviour {
  return (_request, response, what) => {
    if (what !== of) return false;
    response.writeHead(code, headers).end(body);
    return true;
  };
}

/** The first answer only. */
function once(misbehave: Misbehaviour): Misbehaviour {
  let done = false;
  return async (request, response, what) => !done && (done = await misbehave(request, response, what));
}

function endless(response: ServerResponse, type: string): boolean {
  response.writeHead(200, { "content-type": type });
  const more = () => {
    while (response.write(Buffer.alloc(1 << 16, " ")));
    response.once("drain", more);
  };
  more();
  return true;
}

const errors = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] });
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

describe("a registry that", () => {
  test.each<[says: string, misbehave: Misbehaviour, image: HostileImage, message: RegExp]>([
    ["wants a login for everything", (...asked) => status(asked[2], 401, errors("UNAUTHORIZED", "authentication required"), { "www-authenticate": 'Basic realm="here"' })(...asked), {}, /authentication required[^]*laminate login localhost:\d+/],
    ["refuses the repository", status("manifest", 403, errors("DENIED", "requested access to the resource is denied")), {}, /denied: requested access to the resource is denied/],
    ["does not know the image", status("manifest", 404, errors("MANIFEST_UNKNOWN", "manifest unknown")), {}, /localhost:\d+\/evil\/image:1.*not found|manifest unknown/],
    ["is out of order", status("manifest", 500, "oops", { "retry-after": "0" }), {}, /the registry answered 500/],
    ["asks for an hour of patience", status("manifest", 429, "", { "retry-after": "3600" }), {}, /too many requests; it asks to come back in 3600 s/],
    ["has no blob for its manifest", status("layer", 404, errors("BLOB_UNKNOWN", "blob unknown to registry")), {}, /blob unknown/],
    ["sends an endless manifest", (_, response, what) => what === "manifest" && endless(response, MANIFEST), {}, /manifest.*(larger|longer|more) than/],
    ["sends a manifest that is no JSON", () => false, { manifest: "<html>" }, /read manifest "localhost:\d+\/evil\/image:1": the registry's answer is not JSON/],
    ["sends a manifest of a thousand brackets", () => false, { manifest: "[".repeat(100_000) }, /manifest/],
    ["sends a manifest without layers", () => false, { manifest: JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST }) }, /manifest sha256:[0-9a-f]{64}/],
    ["has a layer that is no layer", () => false, { layerMediaType: "application/x-cake" }, /a layer of the type "application\/x-cake"/],
    ["has a layer with another diffID", () => false, { diffId: `sha256:${"0".repeat(64)}` }, /diffID/],
    ["names a smaller size than it sends", () => false, { layerSize: 1000 }, /1000|size/],
    ["names a larger size than it sends", () => false, { layerSize: 1 << 20 }, /size|bytes|short|ended/],
  ])("%s", async (_says, misbehave, image, message) => {
    await using rig = new ImageRig({ DOCKER_CONFIG: config });
    await using registry = await hostileRegistry(misbehave, image);
    const { code, err } = await pull(registry, rig);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(message) });
  });

  test("sends other bytes than the digest promises is refused", async () => {
    await using rig = new ImageRig({ DOCKER_CONFIG: config });
    await using registry = await hostileRegistry((_, response, what) => {
      if (what !== "layer") return false;
      response.writeHead(200, { "content-length": registry.layer.size }).end(Buffer.alloc(registry.layer.size, "y"));
      return true;
    });
    const { code, err } = await pull(registry, rig);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/sha256:[0-9a-f]{64}/) });
  });

  test("sends a layer without end is left as soon as it is too much", async () => {
    await using rig = new ImageRig({ DOCKER_CONFIG: config });
    await using registry = await hostileRegistry((_, response, what) => what === "layer" && endless(response, "application/octet-stream"));
    const { code } = await pull(registry, rig);
    expect(code).toBe(1);
  });

  test("is busy for a second is asked again after it", async () => {
    await using rig = new ImageRig({ DOCKER_CONFIG: config });
    await using registry = await hostileRegistry(once(status("manifest", 429, "", { "retry-after": "1" })));
    expect(await pull(registry, rig)).toMatchObject({ code: 0, err: expect.stringMatching(/too many requests; trying again in 1\.0 s\n/) });
    expect(registry.asked.filter((line) => line.endsWith(" manifest")).length).toBeGreaterThan(1);
  });

  test("cuts a layer in the middle is asked for the rest only", async () => {
    await using rig = new ImageRig({ DOCKER_CONFIG: config });
    await using registry = await hostileRegistry(
      once((_, response, what) => {
        if (what !== "layer") return false;
        response.writeHead(200, { "content-length": registry.layer.size });
        response.write(registry.layer.bytes.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
        return true;
      }),
    );
    expect(await pull(registry, rig)).toMatchObject({ code: 0 });
    expect(registry.asked.filter((line) => line.includes("layer"))).toEqual(["GET layer", expect.stringMatching(/^GET layer bytes=\d+-/)]);
  });

  test("sends its blobs from another server does not make us tell that server the password", async () => {
    const heard: IncomingMessage["headers"][] = [];
    let bytes = Buffer.alloc(0);
    const elsewhere = createServer((request, response) => {
      heard.push(request.headers);
      response.end(bytes);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const { port } = elsewhere.address() as AddressInfo;
    await using rig = new ImageRig({ DOCKER_CONFIG: config });
    await using registry = await hostileRegistry((request, response, what) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="here"' }).end();
        return true;
      }
      if (what !== "layer") return false;
      response.writeHead(307, { location: `http://127.0.0.1:${port}/blob` }).end();
      return true;
    });
    bytes = Buffer.from(registry.layer.bytes);
    writeFileSync(path.join(config, "config.json"), JSON.stringify({ auths: { [`localhost:${registry.port}`]: { auth: Buffer.from("me:secret").toString("base64") } } }));
    const ran = await pull(registry, rig);
    elsewhere.closeAllConnections();
    elsewhere.close();
    expect(ran).toMatchObject({ code: 0 });
    expect(heard.map(({ authorization }) => authorization)).toEqual([undefined]);
  });
});
