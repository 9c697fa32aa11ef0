import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuildRig, BUSYBOX } from "../testing/builds.ts";
import { until } from "../testing/until.ts";

const BIN = join(import.meta.dirname, "..", "..", "bin", "laminate");
const TIMEOUT = 60_000;

/** Containers have the streams of the process that starts them, so each command is a process here. */
describe.skipIf(BUSYBOX === undefined || !existsSync("/usr/bin/conmon"))("containers", () => {
  let rig: BuildRig;
  let count = 0;

  beforeAll(async () => {
    rig = new BuildRig();
    await rig.busybox();
    await rig.built("web", { Dockerfile: 'FROM busybox\nENV COLOUR=blue\nWORKDIR /srv\nCOPY page .\nUSER web\nEXPOSE 80\nVOLUME /data\nSTOPSIGNAL SIGINT\nLABEL tier=front\nENTRYPOINT ["sh", "-c"]\nCMD ["sleep 1000"]\n', page: "a page\n" });
  });

  afterAll(async () => {
    const { out } = laminate("ps", "-aq");
    for (const id of out.split("\n").filter(Boolean)) laminate("rm", "-f", id);
    await rig[Symbol.asyncDispose]();
  });

  function laminate(...args: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(BIN, args, { cwd: rig.directory, env: { ...process.env, LAMINATE_ROOT: rig.root, FROM_HERE: "here" }, encoding: "utf8", timeout: TIMEOUT, stdio: ["ignore", "pipe", "pipe"] });
    return { code: status, out: stdout, err: stderr };
  }

  const run = (...args: readonly string[]) => laminate("run", "--rm", "--network", "none", ...args);
  const said = (...args: readonly string[]) => {
    const { code, out, err } = run(...args);
    expect({ args, code, ...(code === 0 ? {} : { err }) }).toEqual({ args, code: 0 });
    return out;
  };
  const name = () => `c${process.pid}-${(count += 1)}`;

  /** A container in the background; gives its name. */
  function started(...args: readonly string[]): string {
    const made = name();
    expect(laminate("run", "-d", "--network", "none", "--name", made, ...args)).toMatchObject({ code: 0, out: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
    return made;
  }

  describe("run", () => {
    test.each([0, 1, 7, 255])("ends with the program's exit code %i", (code) => {
      expect(run("busybox", "sh", "-c", `exit ${code}`).code).toBe(code);
    });

    test("ends with 128 and the signal that killed the program", () => {
      expect(run("busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?").code).toBe(137);
    });

    test("ends with 127 for a command that is not there, 126 for one that cannot be run, 125 for what is wrong with us", () => {
      expect(run("busybox", "missing")).toMatchObject({ code: 127, err: expect.stringContaining("missing") });
      expect(run("busybox", "/etc/passwd")).toMatchObject({ code: 126, err: expect.stringContaining("/etc/passwd") });
      expect(run("--bogus", "busybox")).toMatchObject({ code: 125, err: expect.stringContaining("--bogus") });
      expect(run("--pull", "never", "no-such-image")).toMatchObject({ code: 125, err: expect.stringContaining("no-such-image") });
    });

    test("takes what the image says: environment, directory, user, entrypoint", () => {
      expect(said("web", "echo $COLOUR $(pwd) $(id -u) $(cat page)")).toBe("blue /srv 101 a page\n");
    });

    test("takes what the command line says instead", () => {
      writeFileSync(join(rig.directory, "env"), "# comment\nFILE=yes\nFROM_HERE\n");
      expect(said("-e", "COLOUR=red", "-e", "FROM_HERE", "web", "echo $COLOUR $FROM_HERE")).toBe("red here\n");
      expect(said("--env-file", "env", "web", "echo $FILE $FROM_HERE")).toBe("yes here\n");
      expect(said("-w", "/tmp", "-u", "50:0", "web", "echo $(pwd) $(id -u):$(id -g)")).toBe("/tmp 50:0\n");
      expect(said("--entrypoint", "echo", "web", "hello")).toBe("hello\n");
      expect(said("--hostname", "box", "busybox", "cat", "/etc/hostname")).toBe("box\n");
    });

    test("binds and volumes", () => {
      mkdirSync(join(rig.directory, "bound"), { recursive: true });
      writeFileSync(join(rig.directory, "bound/file"), "from here\n");
      const bound = join(rig.directory, "bound");
      expect(said("-v", `${bound}:/b`, "busybox", "sh", "-c", "cat /b/file; echo back > /b/new")).toBe("from here\n");
      expect(readFileSync(join(bound, "new"), "utf8")).toBe("back\n");
      expect(run("-v", `${bound}:/b:ro`, "busybox", "touch", "/b/x").code).not.toBe(0);
      expect(said("--mount", `type=bind,source=${bound},target=/b,readonly`, "busybox", "cat", "/b/file")).toBe("from here\n");
      said("-v", "kept:/v", "busybox", "sh", "-c", "echo kept > /v/file");
      expect(said("-v", "kept:/v", "busybox", "cat", "/v/file")).toBe("kept\n");
    });

    test("a file system that cannot be written, with room in /tmp", () => {
      expect(run("--read-only", "busybox", "touch", "/file").code).not.toBe(0);
      expect(said("--read-only", "--tmpfs", "/tmp", "busybox", "sh", "-c", "echo ok > /tmp/file && cat /tmp/file")).toBe("ok\n");
    });

    test("capabilities", () => {
      const effective = (...flags: readonly string[]) => Number.parseInt(said(...flags, "busybox", "sh", "-c", "grep CapEff /proc/self/status").split("\t")[1]!, 16);
      const chown = 1;
      expect(effective() & chown).toBe(chown);
      expect(effective("--cap-drop", "CHOWN") & chown).toBe(0);
      expect(effective("--cap-drop", "ALL")).toBe(0);
      expect(effective("--cap-drop", "ALL", "--cap-add", "CHOWN")).toBe(chown);
    });

    test("leaves nothing with --rm", () => {
      const before = readdirSync(join(rig.root, "containers"));
      said("busybox", "true");
      expect(readdirSync(join(rig.root, "containers"))).toEqual(before);
    });

    test("two containers of one image do not see each other's files", () => {
      const [one, two] = [started("busybox", "sh", "-c", "echo one > /file; sleep 1000"), started("busybox", "sleep", "1000")];
      expect(laminate("exec", two, "test", "-e", "/file").code).toBe(1);
      laminate("rm", "-f", one, two);
    });
  });

  test("ps, logs, exec, inspect, stop, rm of a container in the background", async () => {
    const web = started("web", "echo started; trap 'echo stopping; exit 3' INT; while :; do sleep 0.1; done");
    await until(() => laminate("logs", web).out === "started\n");
    expect(laminate("ps", "--filter", `name=${web}`, "--format", "{{.Names}} {{.Image}} {{.State}}").out).toBe(`${web} web running\n`);
    expect(laminate("exec", web, "sh", "-c", "echo $COLOUR; exit 4")).toMatchObject({ code: 4, out: "blue\n" });
    expect(laminate("exec", "-u", "web", web, "id", "-G").out).toBe("102 50\n");
    expect(laminate("exec", web, "missing").code).toBe(127);
    expect(laminate("exec", web, "/etc/passwd").code).toBe(126);
    expect(laminate("inspect", "--format", "{{.State.Running}} {{.Config.Labels.tier}}", web).out).toBe("true front\n");
    expect(laminate("rm", web)).toMatchObject({ code: 1, err: expect.stringContaining("running") });
    expect(laminate("stop", web)).toMatchObject({ code: 0, out: `${web}\n` });
    expect(laminate("logs", web).out).toBe("started\nstopping\n");
    expect(laminate("logs", "--tail", "1", web).out).toBe("stopping\n");
    expect(laminate("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", web).out).toBe("exited 3\n");
    expect(laminate("ps", "-a", "--filter", `name=${web}`, "--format", "{{.Status}}").out).toMatch(/^Exited \(3\) /);
    expect(laminate("inspect", `${web}x`)).toMatchObject({ code: 1, err: expect.stringContaining(`No such object: ${web}x\ndid you mean ${web}?`) });
    expect(laminate("logs", `${web}x`)).toMatchObject({ code: 1, err: expect.stringContaining(`did you mean ${web}?`) });
    expect(laminate("ps", "-q", "--filter", `name=${web}`).out).toBe("");
    expect(laminate("exec", web, "true")).toMatchObject({ code: 1, err: expect.stringContaining("is not running") });
    expect(laminate("rm", web)).toMatchObject({ code: 0, out: `${web}\n` });
    expect(laminate("logs", web)).toMatchObject({ code: 1, err: expect.stringContaining(`No such container: ${web}`) });
  });

  test("a program that does not listen is killed when its time is over", () => {
    const deaf = started("busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done");
    expect(laminate("stop", "-t", "1", deaf).code).toBe(0);
    expect(laminate("inspect", "--format", "{{.State.ExitCode}}", deaf).out).toBe("137\n");
    laminate("rm", deaf);
  });

  test("a name is one container's", () => {
    const taken = started("busybox", "sleep", "1000");
    expect(laminate("run", "-d", "--name", taken, "busybox", "true")).toMatchObject({ code: 125, err: expect.stringContaining(`The container name "/${taken}" is already in use`) });
    expect(laminate("kill", taken)).toMatchObject({ code: 0 });
    laminate("rm", "-f", taken);
  });

  test("a container whose monitor was killed is shown and can be removed", async () => {
    const lost = started("busybox", "sleep", "1000");
    const id = laminate("ps", "-q", "--no-trunc", "--filter", `name=${lost}`).out.trim();
    const { monitor, init } = JSON.parse(readFileSync(join(rig.root, "containers", id, "run.json"), "utf8")) as { monitor: { pid: number }; init: { pid: number } };
    process.kill(monitor.pid, "SIGKILL");
    await until(() => !existsSync(`/proc/${monitor.pid}`));
    expect(laminate("ps", "-a", "--filter", `name=${lost}`, "--format", "{{.Names}}").out).toBe(`${lost}\n`);
    expect(laminate("rm", "-f", lost)).toMatchObject({ code: 0 });
    await until(() => !existsSync(`/proc/${init.pid}`));
    expect(laminate("ps", "-aq", "--no-trunc").out).not.toContain(id);
  });
});
