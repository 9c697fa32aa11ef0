import { afterAll, expect, it } from "vitest";
import { runCommand } from "./command.ts";
import { ImageRig } from "../testing/images.ts";

const rig = new ImageRig();
afterAll(() => rig[Symbol.asyncDispose]());

it("busybox is made of the static binary, the same each time, under the names that were asked for", async () => {
  const id = (await rig.ok(["base", "-q", "busybox"])).trim();
  expect((await rig.ok(["base", "-q", "-t", "mine:1", "-t", "mine:2", "busybox:latest"])).trim()).toBe(id);
  expect(await rig.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"])).toBe("busybox:latest\nmine:1\nmine:2\n");
  expect(await rig.ok(["inspect", "-f", "{{.Config.Cmd}} {{.Config.Env}}", "busybox"])).toBe("[sh] [PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin]\n");
});

it("a name that is no base is refused with the nearest", async () => {
  expect(await rig.run(["base", "debian:bookwrom"])).toMatchObject({ code: 1, err: expect.stringContaining('did you mean "debian:bookworm"?') as unknown });
});

it("a command that is missing is named, with what to install", async () => {
  await expect(runCommand(["mmdebstrop"], { env: {} })).rejects.toMatchObject({ code: "missing-command", message: 'start "mmdebstrop": it is not installed', hint: "install it: apt-get install mmdebstrop" });
});

it("a command that fails is told with its last words", async () => {
  await expect(runCommand(["sh", "-c", "echo out; echo 'E: no such suite' >&2; exit 3"], { env: {} })).rejects.toMatchObject({ code: "bootstrap-failed", message: 'run "sh": it ended with 3:\n  E: no such suite' });
});

// Downloads the suite's packages: some 30 s.
it.skipIf(process.env["LAMINATE_TEST_DOWNLOADS"] !== "1")("a suite twice is the same image", { timeout: 300_000 }, async () => {
  const first = await rig.ok(["base", "-q", "debian:bookworm"]);
  expect(await rig.ok(["base", "-q", "debian:12"])).toBe(first);
});
