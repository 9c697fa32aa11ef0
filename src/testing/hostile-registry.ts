import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { writeTar } from "../archive/write-tar.ts";
import { member } from "./images.ts";

/** A blob or manifest with its descriptor's facts. */
export interface Served {
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

/** What a request is answered with instead of what a sound registry says; undefined lets it answer so. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, what: "ping" | "manifest" | "config" | "layer") => boolean | Promise<boolean>;

/** A registry on loopback with one small image, `evil/image:1`, that answers as a test tells it to. */
export interface HostileRegistry extends AsyncDisposable {
  readonly port: number;
  readonly image: string;
  readonly manifest: Served;
  readonly layer: Served;
  /** Every request as `METHOD what`, with the range asked for. */
  readonly asked: string[];
}

/** What can be changed in the image itself. */
export interface HostileImage {
  readonly layerMediaType?: string;
  readonly diffId?: string;
  readonly layerSize?: number;
  /** The manifest's text instead of its own. */
  readonly manifest?: string;
}

export async function hostileRegistry(misbehave: Misbehaviour = () => false, changed: HostileImage = {}): Promise<HostileRegistry> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar([member("file", Buffer.alloc(300_000, "x"))])) chunks.push(chunk);
  const layer = served(Buffer.concat(chunks));
  const config = served(Buffer.from(JSON.stringify({ architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [changed.diffId ?? layer.digest] } })));
  const manifest = served(
    Buffer.from(
      changed.manifest ??
        JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config.digest, size: config.size },
          layers: [{ mediaType: changed.layerMediaType ?? "application/vnd.oci.image.layer.v1.tar", digest: layer.digest, size: changed.layerSize ?? layer.size }],
        }),
    ),
  );
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const url = request.url!;
      const what = url.includes("/manifests/") ? "manifest" : url.includes(config.digest) ? "config" : url.includes(layer.digest) ? "layer" : "ping";
      asked.push([request.method, what, request.headers.range].filter(Boolean).join(" "));
      if (await misbehave(request, response, what)) return;
      if (what === "ping") return void response.end("{}");
      answerWith(request, response, { manifest, config, layer }[what], what === "manifest" ? "application/vnd.oci.image.manifest.v1+json" : "application/octet-stream");
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    image: `localhost:${port}/evil/image:1`,
    manifest,
    layer,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerWith(request: IncomingMessage, response: ServerResponse, { bytes, digest }: Served, type: string): void {
  const from = /^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1];
  const part = from === undefined ? bytes : bytes.subarray(Number(from));
  const headers = { "content-type": type, "content-length": part.length, "docker-content-digest": digest, ...(from === undefined ? {} : { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }) };
  response.writeHead(from === undefined ? 200 : 206, headers);
  response.end(request.method === "HEAD" ? undefined : part);
}

function served(bytes: Buffer): Served {
  return { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, size: bytes.length, bytes };
}
