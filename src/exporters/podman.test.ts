import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { ImageRig } from "../testing/images.ts";

const run = promisify(execFile);

/* podman reads archives with containers/image, the library of skopeo, buildah and CRI-O, and writes docker's old form. */
describe.skipIf(!existsSync("/usr/bin/podman") || process.geteuid?.() !== 0)("podman", () => {
  const rig = new ImageRig();
  afterAll(() => rig[Symbol.asyncDispose]());

  const storage = path.join(rig.directory, "containers");
  const podman = async (...args: readonly string[]) => (await run("podman", ["--root", storage, "--runroot", `${storage}.run`, "--storage-driver", "vfs", "--events-backend", "none", ...args], { cwd: rig.directory })).stdout;
  const idOf = async (name: string) => (await podman("image", "inspect", "--format", "{{.Id}}", name)).trim();

  test("loads several images and names of what save writes, each with its own ID", async () => {
    const [one, two] = [await rig.image("me/one:1", { "etc/motd": "one" }, ["CMD top"]), await rig.image("me/two:1", { "etc/motd": "two" })];
    await rig.ok(["tag", "me/one:1", "me/one:2"]);
    for (const compression of ["none", "zstd"]) {
      await rig.ok(["save", "--compression", compression, "-o", `${compression}.tar`, "me/one", "me/two:1"]);
      await podman("load", "-q", "-i", `${compression}.tar`);
      expect(await Promise.all(["me/one:1", "me/one:2", "me/two:1"].map((name) => idOf(`localhost/${name}`)))).toEqual([one, one, two].map((id) => id.slice("sha256:".length)));
      await podman("rmi", "--all", "--force");
    }
    await rig.ok(["save", "--format", "oci-archive", "-o", "oci.tar", "me/two:1"]);
    expect(await podman("load", "-q", "-i", "oci.tar")).toContain("Loaded image");
  });

  test.each(["docker-archive", "oci-archive"])("writes a %s that load reads as the same image, from a file, and compressed from standard input", async (format) => {
    const id = await rig.image("me/back:1", { "etc/motd": format }, ["CMD top"]);
    await rig.ok(["save", "-o", "there.tar", "me/back:1"]);
    await podman("load", "-q", "-i", "there.tar");
    await podman("save", "-q", "--format", format, "-o", `${format}.tar`, "docker.io/me/back:1");
    const bytes = readFileSync(path.join(rig.directory, `${format}.tar`));
    for (const input of [[bytes], [gzipSync(bytes)], [zstdCompressSync(bytes)]]) {
      await using other = new ImageRig();
      expect(await other.ok(["load"], input)).toBe("Loaded image: me/back:1\n");
      expect(await other.ok(["inspect", "-f", "{{.RootFS.Layers}} {{.Config.Cmd}}", "me/back:1"])).toBe(await rig.ok(["inspect", "-f", "{{.RootFS.Layers}} {{.Config.Cmd}}", id]));
    }
  });
});
