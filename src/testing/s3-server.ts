import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";

/** An S3 server on loopback that a test started: s3rver, which checks signatures. */
export interface TestBucket extends AsyncDisposable {
  readonly endpoint: string;
  readonly bucket: string;
  /** The keys of all objects, sorted. */
  keys(): string[];
  /** What was asked, as `PUT /bucket/key`, since the last time. */
  asked(): string[];
  /** The next answer for such a request breaks off after some bytes of its body. */
  cutNext(request: RegExp, after: number): void;
  /** Gives an object that is there, or one like any other, other bytes. */
  write(key: string, text: string): void;
  /** Takes an object away. */
  remove(key: string): void;
}

/** The only user that s3rver knows. */
export const S3_USER = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" } as const;

export async function startBucket(): Promise<TestBucket> {
  const directory = mkdtempSync(join(tmpdir(), "laminate-s3-"));
  const bucket = "caches";
  const server = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory, configureBuckets: [{ name: bucket }] });
  const { port } = await server.run();
  let asked: string[] = [];
  let cut: { readonly request: RegExp; readonly after: number } | undefined;
  server.httpServer.prependListener("request", ({ method, url }: IncomingMessage, response: ServerResponse) => {
    const request = `${method} ${decodeURIComponent(url ?? "")}`;
    asked.push(request);
    if (cut?.request.test(request) !== true) return;
    breakOff(response, cut.after);
    cut = undefined;
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    keys: () => readdirSync(join(directory, bucket), { recursive: true, encoding: "utf8" }).flatMap((name) => /^(.*)\._S3rver_object$/.exec(name)?.[1] ?? []).sort(),
    asked() {
      const since = asked;
      asked = [];
      return since;
    },
    cutNext: (request, after) => void (cut = { request, after }),
    write(key, text) {
      const like = readdirSync(join(directory, bucket), { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("._S3rver_metadata.json"))!;
      cpSync(join(directory, bucket, like), join(directory, bucket, `${key}._S3rver_metadata.json`));
      writeFileSync(join(directory, bucket, `${key}._S3rver_object`), text);
    },
    remove: (key) => rmSync(join(directory, bucket, `${key}._S3rver_object`)),
    async [Symbol.asyncDispose]() {
      server.httpServer.closeAllConnections();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function breakOff(response: ServerResponse, after: number): void {
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  let left = after;
  response.write = (chunk: Buffer) => {
    if (chunk.length > left) {
      write(chunk.subarray(0, left));
      setImmediate(() => response.destroy());
      return false;
    }
    left -= chunk.length;
    return write(chunk);
  };
}
