import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchFiles } from "../containers/launch-plan.ts";
import { ContainerRig, CONTAINERS, ending, EVERYONE } from "../testing/containers.ts";
import { readProc } from "../testing/spawned.ts";
import { until } from "../testing/until.ts";


/** Whether a process has a file open with a lock on it (proc(5), fdinfo). */
function hasLocked(pid: number, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((number) => readlinkSync(`/proc/${pid}/fd/${number}`) === file && readProc(`/proc/${pid}/fdinfo/${number}`).includes("lock:"));
  } catch {
    return false; // another file was closed meanwhile
  }
}

describe.skipIf(!CONTAINERS).each(EVERYONE)("the life of a container of %s", (who) => {
  let rig: ContainerRig;

  beforeAll(async () => {
    rig = new ContainerRig(who);
    await rig.prepare();
  });

  afterAll(async () => await rig[Symbol.asyncDispose]());

  const create = async (...args: readonly string[]) => {
    const name = rig.name();
    expect(await rig.ok("create", "--network", "none", "--name", name, ...args)).toMatch(/^[0-9a-f]{64}\n$/);
    return name;
  };
  const status = (name: string) => rig.inspect(name, "{{.State.Status}} {{.State.ExitCode}}");

  test("create makes it, start starts it, again too, and its files and log stay", async () => {
    const name = await create("busybox", "sh", "-c", "echo run >> /count; wc -l < /count; exit 4");
    expect(await status(name)).toBe("created 0");
    expect(await rig.laminate("start", "-a", name)).toEqual({ code: 4, out: "1\n", err: "" });
    expect(await rig.laminate("start", "-a", name)).toEqual({ code: 4, out: "2\n", err: "" });
    expect(await rig.ok("start", name)).toBe(`${name}\n`);
    expect(await rig.ok("wait", name)).toBe("4\n");
    expect(await rig.ok("logs", name)).toBe("1\n2\n3\n");
    expect(await status(name)).toBe("exited 4");
  });

  test("files can be copied from one that was never started, and into it", async () => {
    const name = await create("busybox", "cat", "/data/new");
    mkdirSync(join(rig.directory, "files"), { recursive: true });
    writeFileSync(join(rig.directory, "files/new"), "copied\n");
    await rig.ok("cp", join(rig.directory, "files/new"), `${name}:/data/new`);
    expect((await rig.laminate("start", "-a", name)).out).toBe("copied\n");
    expect(await rig.ok("cp", `${name}:/etc/passwd`, "-")).toContain("web:x:101");
  });

  test("start -ai feeds it and closes its standard input", async () => {
    const name = await create("-i", "busybox", "cat");
    const child = rig.start(["start", "-ai", name]);
    child.stdin!.end("fed\n");
    expect(await ending(child)).toEqual({ code: 0, out: "fed\n", err: "" });
  });

  test("attach joins one that runs in the background, and ends with its code", async () => {
    const name = await rig.started("-i", "busybox", "sh", "-c", "read line; echo got $line; exit 6");
    const child = rig.start(["attach", name]);
    child.stdin!.write("a line\n");
    expect(await ending(child)).toEqual({ code: 6, out: "got a line\n", err: "" });
  });

  test("wait gives the exit code of one that goes with its end", async () => {
    const name = await rig.started("--rm", "-i", "busybox", "sh", "-c", "read line; exit 5");
    const child = rig.start(["wait", name]);
    const waiting = ending(child);
    const watched = join(rig.root, "containers", await rig.inspect(name, "{{.Id}}"), launchFiles.watched);
    await until(() => hasLocked(child.pid!, watched)); // from there it will see the end
    await rig.laminate("kill", "-s", "TERM", name);
    await rig.laminate("kill", name);
    expect(await waiting).toEqual({ code: 0, out: "137\n", err: "" });
    await until(async () => !(await rig.ok("ps", "-a", "--format", "{{.Names}}")).includes(name));
  });

  test("restart gives it new processes, rename another name", async () => {
    const name = await rig.started("busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done");
    const before = await rig.processes(name);
    expect(await rig.ok("restart", "-t", "5", name)).toBe(`${name}\n`);
    expect(await status(name)).toBe("running 0");
    expect((await rig.processes(name)).init).not.toBe(before.init);
    await rig.ok("rename", name, `${name}-new`);
    expect((await rig.laminate("inspect", "--type", "container", name)).code).toBe(1);
    expect(await status(`${name}-new`)).toBe("running 0");
    expect(await rig.laminate("rename", `${name}-new`, "-bad")).toMatchObject({ code: 125 });
    expect(await rig.ok("run", "--rm", "--network", "none", "--name", name, "busybox", "echo", "free")).toBe("free\n");
  });

  test("top lists its processes and no others", async () => {
    const name = await rig.started("busybox", "sh", "-c", "sleep 1111 & sleep 2222; true");
    await until(async () => {
      const shown = await rig.ok("top", name, "-eo", "pid,args");
      return shown.includes("sleep 1111") && shown.includes("sleep 2222");
    });
    const [heading, ...lines] = (await rig.ok("top", name, "-eo", "pid,args")).trim().split("\n").map((line) => line.trim().replace(/^\d+ /, ""));
    expect(heading).toBe("PID COMMAND");
    expect(lines.sort()).toEqual([expect.stringMatching(/^sh -c/), "sleep 1111", "sleep 2222"]);
  });

  test("stop sends what it is told, and the container's own signal and patience otherwise", async () => {
    // A signal that comes before its trap is lost: the kernel gives a first process only those that it listens to.
    const script = "trap 'echo usr1; exit 1' USR1; trap 'echo quit; exit 2' QUIT; echo listens; while :; do sleep 0.1; done";
    const name = await rig.started("--stop-signal", "QUIT", "busybox", "sh", "-c", script);
    const listens = async (log: string) => await until(async () => (await rig.ok("logs", name)) === log);
    await listens("listens\n");
    await rig.ok("stop", name);
    expect(await status(name)).toBe("exited 2");
    await rig.ok("start", name);
    await listens("listens\nquit\nlistens\n");
    await rig.ok("stop", "-s", "USR1", name);
    expect(await status(name)).toBe("exited 1");
    const deaf = await rig.started("--stop-timeout", "1", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done");
    await rig.ok("stop", deaf);
    expect(await status(deaf)).toBe("exited 137");
  });

  test("a start that was killed before anybody could know of it leaves nothing running after rm", async () => {
    const name = await create("busybox", "sleep", "1000");
    const id = await rig.inspect(name, "{{.Id}}");
    const pidFile = join(rig.root, "containers", id, "conmon.pid");
    const child = rig.start(["start", name]);
    await until(() => existsSync(pidFile));
    child.kill("SIGKILL");
    const monitor = Number(readFileSync(pidFile, "utf8"));
    await rig.ok("rm", "-f", name);
    await until(() => !existsSync(`/proc/${monitor}`));
  });
});
