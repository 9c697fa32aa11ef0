import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TarType } from "../archive/tar-header.ts";
import { writeTar, type TarSource } from "../archive/write-tar.ts";
import type { Store } from "../store/store.ts";
import { runCommand, type CommandOptions } from "./command.ts";
import { BaseImageFailure } from "./base-error.ts";
import type { BaseLayer } from "./debian.ts";

/** Makes a small system out of Debian's static busybox: the binary, a hard link for each applet, and the few files programs expect. */
export async function makeBusybox(store: Store, options: CommandOptions): Promise<BaseLayer> {
  const binary = await busyboxBinary(store, options);
  const applets = (await runCommand([binary, "--list"], options)).split("\n").filter((name) => name !== "" && name !== "busybox");
  const program = readFileSync(binary);
  const diffId = await store.layers.putTar(busyboxTar(program, applets));
  // Of the package's file: the time of its release, the same on every machine.
  return { diffId, time: Math.floor(statSync(binary).mtimeMs / 1000), comment: "busybox-static" };
}

/** The static binary of this machine, or out of the package when it is not installed. */
async function busyboxBinary(store: Store, options: CommandOptions): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    // A static program names no interpreter: the dynamic busybox package could not run in an empty image.
    if (existsSync(path) && !readFileSync(path).subarray(0, 4096).includes("/ld-") && !readFileSync(path).subarray(0, 4096).includes("ld-linux")) {
      return path;
    }
  }
  const scratch = store.temporaryDirectory();
  await runCommand(["apt-get", "-oAPT::Sandbox::User=root", "download", "-q", "busybox-static"], { ...options, cwd: scratch });
  const file = readdirSync(scratch).find((name) => name.endsWith(".deb"));
  if (file === undefined) {
    throw new BaseImageFailure("bootstrap-failed", `make base image "busybox": apt-get download left no package`);
  }
  await runCommand(["dpkg-deb", "-x", join(scratch, file), join(scratch, "x")], options);
  return ["bin/busybox", "usr/bin/busybox"].map((path) => join(scratch, "x", path)).find((path) => existsSync(path))!;
}

function busyboxTar(program: Buffer, applets: readonly string[]): AsyncIterable<Buffer> {
  const members: TarSource[] = [
    ...["bin", "dev", "etc", "home", "proc", "sys", "usr", "usr/bin", "usr/sbin", "sbin", "var", "var/spool", "var/www"].map((name) => member(name, "directory", 0o755)),
    member("root", "directory", 0o700),
    member("tmp", "directory", 0o1777),
    file("bin/busybox", program, 0o755),
    ...applets.map((name) => member(`bin/${name}`, "hardlink", 0o755, "bin/busybox")),
    member("usr/bin/env", "symlink", 0o777, "/bin/env"),
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
    file("etc/group", "root:x:0:\ndaemon:x:1:\nadm:x:4:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n"),
    file("etc/shadow", "root:*:::::::\nnobody:*:::::::\n", 0o600),
    file("etc/nsswitch.conf", "hosts: files dns\n"),
  ];
  return writeTar(members.sort((a, b) => order(a.header.name, b.header.name)));
}

function member(name: string, type: TarType, mode: number, link?: string): TarSource {
  return { header: { name, type, mode, uid: 0, gid: 0, size: 0, mtime: 0n, ...(link === undefined ? {} : { link }) } };
}

function file(name: string, content: string | Buffer, mode = 0o644): TarSource {
  const bytes = Buffer.from(content);
  return { header: { ...member(name, "file", mode).header, size: bytes.length }, content: () => [bytes] };
}

/** By name, but the program before its links: a hard link follows its target in a tar. */
function order(a: string, b: string): number {
  const rank = (name: string): string => (name === "bin/busybox" ? "bin/\u0000" : name);
  return rank(a) < rank(b) ? -1 : 1;
}
