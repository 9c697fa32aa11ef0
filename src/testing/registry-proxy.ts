import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One exchange that went through, when it is over or cut. */
export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly status: number;
  readonly range: string | undefined;
  readonly contentRange: string | undefined;
  readonly contentLength: number;
  /** Bytes of the answer's body. */
  readonly answered: number;
}

/** What is done to one exchange. */
export interface Meddling {
  /** Milliseconds before the request goes on. */
  readonly delay?: number;
  /** Headers of the request that the registry never sees. */
  readonly without?: readonly string[];
  /** Answered with this status, as by a proxy on the way; the registry never hears of it. */
  readonly refuse?: number;
  /** After so many bytes of the request's or response's body nothing more comes (`stall`), or the connection ends (`cut`). */
  readonly after?: { readonly bytes: number; readonly of: "request" | "response"; readonly does: "stall" | "cut" };
}

/** A wire to a real registry that keeps a log, and that can be slow or break. */
export interface RegistryProxy extends AsyncDisposable {
  readonly port: number;
  readonly log: Exchange[];
  /** The most exchanges over blobs of an upload or download that went on at once. */
  peak(): number;
  /** Resolves when an exchange has stalled. */
  stalled(): Promise<void>;
}

export async function registryProxy(target: number, meddle: (request: IncomingMessage) => Meddling | undefined = () => undefined): Promise<RegistryProxy> {
  const log: Exchange[] = [];
  const open = new Set<IncomingMessage>();
  let peak = 0;
  let stall = (): void => undefined;
  const stalled = new Promise<void>((resolve) => (stall = resolve));
  const server = createServer((request, response) => {
    const { delay = 0, without = [], after, refuse } = meddle(request) ?? {};
    if (refuse !== undefined) return void response.writeHead(refuse, { connection: "close" }).end();
    if (after?.bytes === 0 && after.of === "request") return void response.destroy();
    if (carriesBlob(request)) peak = Math.max(peak, open.add(request).size);
    setTimeout(() => {
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !without.includes(name)));
      const onward = send({ host: "127.0.0.1", port: target, method: request.method, path: request.url, headers });
      const end = (): void => void [onward.destroy(), response.destroy()];
      const limit = (of: "request" | "response") => (after?.of === of ? { bytes: after.bytes, reached: after.does === "stall" ? stall : end } : undefined);
      onward.on("error", () => response.destroy());
      onward.on("continue", () => response.writeContinue());
      onward.on("response", (answer) => {
        log.push(exchange(request, answer));
        response.writeHead(answer.statusCode!, answer.headers);
        response.flushHeaders();
        pour(answer, response, limit("response"));
      });
      response.on("close", () => void [open.delete(request), onward.destroy()]);
      pour(request, onward, limit("request"));
    }, delay);
  });
  // The registry itself decides whether it wants a body.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => void server.emit("request", request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    log,
    peak: () => peak,
    stalled: () => stalled,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes bytes on, up to a limit. */
function pour(from: IncomingMessage, to: NodeJS.WritableStream, limit: { readonly bytes: number; readonly reached: () => void } | undefined): void {
  let seen = 0;
  from.on("data", (chunk: Buffer) => {
    if (limit !== undefined && seen >= limit.bytes) return;
    const part = limit === undefined ? chunk : chunk.subarray(0, limit.bytes - seen);
    seen += part.length;
    to.write(part, () => {
      if (limit !== undefined && seen >= limit.bytes) setTimeout(limit.reached, 50);
    });
  });
  from.on("end", () => {
    if (limit === undefined || seen < limit.bytes) to.end();
  });
  from.on("error", () => undefined);
}

function exchange({ method = "", url = "", headers }: IncomingMessage, answer: IncomingMessage): Exchange {
  return { method, path: url, status: answer.statusCode ?? 0, range: headers.range, contentRange: headers["content-range"], contentLength: Number(headers["content-length"] ?? 0), answered: Number(answer.headers["content-length"] ?? 0) };
}

function carriesBlob({ method, url = "" }: IncomingMessage): boolean {
  return (method === "GET" && url.includes("/blobs/sha256:")) || method === "PATCH" || (method === "PUT" && url.includes("/blobs/uploads/"));
}
