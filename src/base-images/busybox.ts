import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { plainEnd, plainHeader, plainPadding, type PlainMember } from "../archive/plain-member.ts";
import type { Store } from "../store/store.ts";
import { runCommand, type CommandOptions } from "./command.ts";
import { BaseImageFailure } from "./base-error.ts";
import type { BaseLayer } from "./debian.ts";

/** Makes a small system out of Debian's static busybox: the binary, a hard link for each applet, and the few files programs expect. */
export async function makeBusybox(store: Store, options: CommandOptions): Promise<BaseLayer> {
  const scratch = store.temporaryDirectory();
  mkdirSync(scratch, { recursive: true });
  const binary = await busyboxBinary(scratch, options);
  const applets = (await runCommand([binary, "--list"], options)).split("\n").filter((name) => name !== "" && name !== "busybox");
  const program = readFileSync(binary);
  const diffId = await store.layers.putTar(busyboxTar(program, applets));
  return { diffId, time: 0, comment: "busybox-static" };
}

/** The static binary of this machine, or out of the package when it is not installed. */
async function busyboxBinary(scratch: string, options: CommandOptions): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    // A static program names no interpreter: the dynamic busybox package could not run in an empty image.
    if (existsSync(path) && !readFileSync(path).subarray(0, 4096).includes("/ld-") && !readFileSync(path).subarray(0, 4096).includes("ld-linux")) {
      return path;
    }
  }
  await runCommand(["apt-get", "download", "-q", "busybox-static"], { ...options, cwd: scratch });
  const file = readdirSync(scratch).find((name) => name.endsWith(".deb"));
  if (file === undefined) {
    throw new BaseImageFailure("bootstrap-failed", `make base image "busybox": apt-get download left no package`);
  }
  await runCommand(["dpkg-deb", "-x", join(scratch, file), join(scratch, "x")], options);
  return ["bin/busybox", "usr/bin/busybox"].map((path) => join(scratch, "x", path)).find((path) => existsSync(path))!;
}

async function* busyboxTar(program: Buffer, applets: readonly string[]): AsyncIterable<Buffer> {
  const text = (name: string, content: string): [PlainMember, Buffer] => [{ name, type: "file", size: content.length }, Buffer.from(content)];
  const directory = (name: string, mode = 0o755): [PlainMember] => [{ name, type: "directory", mode }];
  const members: [PlainMember, Buffer?][] = [
    ...["bin", "dev", "etc", "home", "proc", "sys", "usr", "usr/bin", "usr/sbin", "sbin", "var", "var/spool", "var/www"].map((name) => directory(name)),
    directory("root", 0o700),
    directory("tmp", 0o1777),
    [{ name: "bin/busybox", type: "file", mode: 0o755, size: program.length }, program],
    ...applets.map((name): [PlainMember] => [{ name: `bin/${name}`, type: "hardlink", mode: 0o755, link: "bin/busybox" }]),
    [{ name: "usr/bin/env", type: "symlink", mode: 0o777, link: "/bin/env" }],
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
    text("etc/group", "root:x:0:\ndaemon:x:1:\nadm:x:4:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n"),
    text("etc/shadow", "root:*:::::::\nnobody:*:::::::\n"),
    text("etc/nsswitch.conf", "hosts: files dns\n"),
  ];
  for (const [member, body] of members.sort(([a], [b]) => order(a.name, b.name))) {
    yield plainHeader(member);
    if (body) {
      yield body;
      yield plainPadding(body.length);
    }
  }
  yield plainEnd;
}

/** By name, but the program before its links: a hard link follows its target in a tar. */
function order(a: string, b: string): number {
  const rank = (name: string): string => (name === "bin/busybox" ? "bin/\u0000" : name);
  return rank(a) < rank(b) ? -1 : 1;
}
