import { existsSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ContainerRig, CONTAINERS, ending, EVERYONE } from "../testing/containers.ts";
import { until } from "../testing/until.ts";


describe.skipIf(!CONTAINERS).each(EVERYONE)("a container in the foreground of %s", (who) => {
  let rig: ContainerRig;

  beforeAll(async () => {
    rig = new ContainerRig(who);
    await rig.prepare();
  });

  afterAll(async () => await rig[Symbol.asyncDispose]());

  const run = (...args: readonly string[]) => rig.start(["run", "--network", "none", ...args]);

  test("both streams pass apart and byte for byte, and logs has them afterwards", async () => {
    const name = rig.name();
    const said = await ending(run("--name", name, "busybox", "sh", "-c", "printf 'a\\000\\377\\nrest'; printf 'to err' >&2; exit 3"));
    expect(said).toEqual({ code: 3, out: "a\0\xff\nrest", err: "to err" });
    const logged = await ending(rig.start(["logs", name]));
    expect(logged).toMatchObject({ code: 0, out: "a\0\xff\nrest", err: "to err" });
    expect(await rig.inspect(name, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 3");
  });

  test("standard input is fed to its end with -i, however much it is, and empty without", async () => {
    const bytes = randomBytes(3 << 20);
    const cat = run("--rm", "-i", "busybox", "cat");
    cat.stdin!.end(bytes);
    const { code, out } = await ending(cat);
    expect(code).toBe(0);
    expect(Buffer.from(out, "latin1").equals(bytes)).toBe(true);
    const deaf = run("--rm", "busybox", "cat");
    deaf.stdin!.end("never read");
    expect(await ending(deaf)).toEqual({ code: 0, out: "", err: "" });
  });

  test.each(["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM"])("SIG%s is passed on as itself", async (signal) => {
    const child = run("--rm", "busybox", "sh", "-c", `trap 'echo got ${signal}; exit 9' ${signal}; echo ready; while :; do sleep 0.05; done`);
    const ended = ending(child);
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    child.kill(`SIG${signal}` as NodeJS.Signals);
    expect(await ended).toMatchObject({ code: 9, out: `ready\ngot ${signal}\n` });
  });

  test("lives on when the command is killed, is known to ps, and its log goes on", async () => {
    const name = rig.name();
    const child = run("--name", name, "busybox", "sh", "-c", "echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after");
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    const gone = ending(child);
    child.kill("SIGKILL");
    await gone;
    expect(await rig.ok("ps", "--filter", `name=${name}`, "--format", "{{.State}}")).toBe("running\n");
    await rig.ok("exec", name, "touch", "/go");
    await until(async () => (await rig.inspect(name, "{{.State.Status}}")) === "exited");
    expect(await rig.ok("logs", name)).toBe("before\nafter\n");
  });

  test("with --rm nothing of it is left, also when the command was killed", async () => {
    const name = rig.name();
    const child = run("--rm", "--name", name, "busybox", "sh", "-c", "echo before; sleep 0.5");
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    child.kill("SIGKILL");
    await ending(child);
    await until(async () => !(await rig.ok("ps", "-a", "--format", "{{.Names}}")).includes(name));
    await ending(run("--rm", "--name", name, "busybox", "true"));
    expect(await rig.ok("ps", "-aq")).not.toContain(name);
  });

  test("with --rm it ends when nobody reads it any more", async () => {
    const name = rig.name();
    const child = run("--rm", "--name", name, "busybox", "yes");
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    child.stdout!.destroy();
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(141);
    await until(async () => !(await rig.ok("ps", "-a", "--format", "{{.Names}}")).includes(name));
  });

  test("one that cannot be started is kept as created, with the reason, and goes with --rm", async () => {
    const name = rig.name();
    const { code, err } = await ending(run("--name", name, "busybox", "missing"));
    expect(code).toBe(127);
    expect(err).toMatch(/^laminate: failed to start the container: .*missing.*\n$/);
    expect(await rig.inspect(name, "{{.State.Status}} {{.State.ExitCode}}")).toBe("created 127");
    expect((await ending(run("--rm", "--name", `${name}-rm`, "busybox", "missing"))).code).toBe(127);
    expect(await rig.ok("ps", "-a", "--format", "{{.Names}}")).not.toContain(`${name}-rm`);
    await rig.ok("rm", name);
  });

  test("a container whose monitor was killed is shown and can be removed", async () => {
    const name = await rig.started("busybox", "sleep", "1000");
    const { monitor, init } = await rig.processes(name);
    process.kill(monitor, "SIGKILL");
    await until(() => !existsSync(`/proc/${monitor}`));
    expect(await rig.ok("ps", "-a", "--filter", `name=${name}`, "--format", "{{.Status}}")).toMatch(/monitor lost/);
    await rig.ok("rm", "-f", name);
    await until(() => !existsSync(`/proc/${init}`));
    expect(await rig.ok("ps", "-a", "--format", "{{.Names}}")).not.toContain(name);
  });
});
