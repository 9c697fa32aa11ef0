import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig } from "../testing/builds.ts";

/* A name and password in the URL of a context or a Dockerfile are handed to the server, and to nobody else. */

const SECRET = "hunter2";
const rig = new BuildRig();
let server: Server;
let url: string;

beforeAll(async () => {
  if (BUSYBOX !== undefined) await rig.busybox();
  server = createServer(({ headers, url: asked }, response) => {
    const known = headers.authorization === `Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`;
    response.writeHead(known ? 200 : 401).end(asked === "/Dockerfile" ? "FROM busybox\nWORKDIR /made\n" : "FORM busybox\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://me:${SECRET}@127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rig[Symbol.asyncDispose]();
});

describe.skipIf(BUSYBOX === undefined)("the password of a URL", () => {
  test.each([
    ["a context", () => [`${url}/Dockerfile`]],
    ["a Dockerfile", () => ["-f", `${url}/Dockerfile`, rig.context({ f: "" })]],
  ])("of %s is on no screen and in no record", async (_, line) => {
    const { code, err } = await rig.build("--no-cache", ...line());
    expect({ code, err }).toMatchObject({ code: 0 });
    const told = [err, ...(await Promise.all([["builds"], ["builds", "show", "--format", "json"], ["why", "--format", "json"], ["system", "df", "-v"]].map((words) => rig.ok(words))))];
    expect(told.join("\n")).not.toContain(SECRET);
    for (const file of ["records.sqlite", "records.sqlite-wal"]) expect(read(path.join(rig.root, file))).not.toContain(SECRET);
  });

  test("is in no error", async () => {
    for (const line of [["-f", `${url}/wrong`, rig.context({ f: "" })], [`${url}/wrong`], [`${url.replace(/:\d+$/, ":1")}/gone`], [`${url.replace(/:\d+$/, ":1")}/gone.git`]]) {
      const { code, err } = await rig.build(...line);
      expect(code).toBe(1);
      expect(err).not.toContain(SECRET);
    }
  });
});

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
