import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Containers } from "../containers/containers.ts";
import type { Digest } from "../oci/digest.ts";
import type { ContainerRecord } from "../containers/record.ts";
import { ImageRig } from "../testing/images.ts";

const rig = new ImageRig();
afterAll(() => rig[Symbol.asyncDispose]());

let image: string;
let container: string;
beforeAll(async () => {
  image = await rig.image("used:1", { a: randomBytes(4).toString("hex") });
  const made = new Containers(rig.root).create((id, name): ContainerRecord => record(id, name, image), "hello");
  container = made.id;
});

function record(id: string, name: string, imageId: string): ContainerRecord {
  return {
    version: 1, id, name, created: 1_700_000_000_000, image: { id: imageId as Digest, name: "used:1" }, layers: [], entrypoint: [], command: ["sleep", "9"],
    env: ["A=1"], workingDirectory: "/", user: "", terminal: false, openStdin: false, hostname: "h", network: "default", addHosts: [], mounts: [], publish: [],
    exposed: ["80/tcp"], readOnly: false, privileged: false, noNewPrivileges: false, seccomp: true, capabilities: [], labels: {}, stopSignal: "SIGTERM", autoRemove: false, limits: {},
  };
}

it("an image that a container uses is not removed unless forced, in docker's words", async () => {
  const short = image.slice(7, 19);
  expect(await rig.run(["rmi", "used:1"])).toMatchObject({ code: 1, err: `Error: conflict: unable to remove repository reference "used:1" (must force) - container ${container.slice(0, 12)} is using its referenced image ${short}\n` });
  expect(await rig.run(["rmi", short])).toMatchObject({ code: 1, err: `Error: conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${container.slice(0, 12)}\n` });
  await rig.ok(["tag", "used:1", "used:2"]);
  expect(await rig.ok(["rmi", "used:2"])).toBe("Untagged: used:2\n");
});

it("a container is inspected by its name, before an image", async () => {
  await rig.image("hello:latest");
  expect(await rig.ok(["inspect", "-f", "{{.Name}} {{.State.Status}} {{.Config.Cmd}} {{.Path}} {{.Image}}", "hello"])).toBe(`/hello created [sleep 9] sleep ${image}\n`);
  expect(await rig.ok(["inspect", "-f", "{{json .NetworkSettings.Ports}}", container.slice(0, 12)])).toBe('{"80/tcp":null}\n');
  expect(await rig.ok(["inspect", "--type", "image", "-f", "{{.RepoTags}}", "hello"])).toBe("[hello:latest]\n");
});

it("forced, the name goes and the image stays while the container needs it", async () => {
  expect(await rig.ok(["rmi", "-f", "used:1"])).toBe("Untagged: used:1\n");
  expect(await rig.ok(["images", "-q", "--no-trunc", "-f", "dangling=true"])).toBe(`${image}\n`);
});
