import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ContainerRig, CONTAINERS, ending } from "../testing/containers.ts";
import { TEST_UID } from "../testing/sandbox/as-user.ts";
import { until } from "../testing/until.ts";
import { limitsFrom } from "./limits.ts";

const MIB = 1 << 20;
type Values = Parameters<typeof limitsFrom>[0];
const read = (values: Partial<Values>) => limitsFrom({ ulimit: [], ...values } as Values);

test("limits are read as docker writes them", () => {
  const values = { memory: "64m", "memory-swap": "-1", "memory-reservation": "32m", cpus: "0.5", "cpu-shares": 512, "cpuset-cpus": "0", "pids-limit": 20 };
  expect(read(values).limits).toEqual({ memoryBytes: 64 * MIB, memorySwapBytes: -1, memoryReservationBytes: 32 * MIB, cpus: 0.5, cpuShares: 512, cpusetCpus: "0", pids: 20 });
  expect(read({ ulimit: ["nofile=10:20", "core=-1", "nproc=5"] }).ulimits).toEqual([
    { type: "RLIMIT_NOFILE", soft: 10, hard: 20 },
    { type: "RLIMIT_CORE", soft: -1, hard: -1 },
    { type: "RLIMIT_NPROC", soft: 5, hard: 5 },
  ]);
});

test.each<[Partial<Values>, RegExp]>([
  [{ memory: "4m" }, /Minimum memory limit allowed is 6MB/],
  [{ "memory-swap": "64m" }, /You should always set the Memory limit/],
  [{ memory: "64m", "memory-swap": "32m" }, /Minimum memoryswap limit/],
  [{ memory: "64m", "memory-reservation": "65m" }, /memory reservation/],
  [{ cpus: "many" }, /invalid argument "many" for "--cpus"/],
  [{ cpus: `${availableParallelism() + 1}` }, /Range of CPUs is from 0.01/],
  [{ cpus: "1", "cpu-quota": 5000 }, /Conflicting options/],
  [{ "cpu-period": 1 }, /CPU cfs period/],
  [{ "cpuset-cpus": "a" }, /Invalid value a for cpuset-cpus/],
  [{ ulimit: ["nofiles=1"] }, /invalid ulimit type: nofiles/],
  [{ ulimit: ["nofile=2:1"] }, /soft limit must be less than or equal to hard limit/],
  [{ "oom-score-adj": 2000 }, /range for oom score adj/],
])("%j is refused", (values, message) => expect(() => read(values)).toThrow(message));

/** A hierarchy of v2 without the controllers of limits: on a machine that has v1 beside it. */
const V2 = ["/sys/fs/cgroup/unified"].find((directory) => existsSync(directory) && !readFileSync(`${directory}/cgroup.controllers`, "utf8").includes("memory"));
const hasCgroups = process.geteuid?.() === 0 && (existsSync("/sys/fs/cgroup/memory") || existsSync("/sys/fs/cgroup/cgroup.controllers"));

describe.skipIf(!CONTAINERS || !hasCgroups)("a container of root with limits", () => {
  let rig: ContainerRig;
  beforeAll(async () => {
    rig = new ContainerRig("root");
    await rig.prepare();
  });
  afterAll(async () => await rig[Symbol.asyncDispose]());

  const run = (...args: readonly string[]) => rig.laminate("run", "--network", "none", ...args);
  const cgroupsOf = (id: string) => ["", ...readdirSync("/sys/fs/cgroup")].map((name) => `/sys/fs/cgroup/${name}/laminate-${id}`).filter((path) => existsSync(path));

  test("finds them in its cgroup and in each process", async () => {
    const script = "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max; cat cpu/cpu.cfs_quota_us cpu.max; cat pids/pids.max pids.max; cat /proc/self/oom_score_adj; ulimit -n; ulimit -Hn; ulimit -c";
    const { code, out } = await run("--rm", "-m", "64m", "--cpus", "0.5", "--pids-limit", "20", "--oom-score-adj", "500", "--ulimit", "nofile=100:200", "--ulimit", "core=-1", "busybox", "sh", "-c", `(${script}) 2>/dev/null`);
    expect(code).toBe(0);
    expect(out.replace("50000 100000", "50000")).toBe(`${64 * MIB}\n50000\n20\n500\n100\n200\nunlimited\n`);
  });

  test("is killed when it takes more memory than its limit, and inspect says so", async () => {
    const name = rig.name();
    expect((await run("--name", name, "-m", "16m", "busybox", "tail", "/dev/zero")).code).toBe(137);
    expect(await rig.inspect(name, "{{.State.OOMKilled}} {{.State.ExitCode}} {{.HostConfig.Memory}}")).toBe(`true 137 ${16 * MIB}`);
    const other = rig.name();
    await run("--name", other, "-m", "16m", "busybox", "sh", "-c", "kill -9 $$");
    expect(await rig.inspect(other, "{{.State.OOMKilled}}")).toBe("false");
  });

  test("cannot have more processes than its limit", async () => {
    const { out, err } = await run("--rm", "--pids-limit", "5", "busybox", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; echo made");
    expect(out + err).toMatch(/can't fork|Resource temporarily unavailable/);
  });

  test("is paused and goes on, and stops although it is paused", async () => {
    const name = await rig.started("busybox", "sh", "-c", "while :; do echo tick >> /ticks; sleep 0.05; done");
    // Its file and not its log: what it said before it stopped may still be on its way there.
    const ticks = async () => await rig.ok("cp", `${name}:/ticks`, "-");
    await until(async () => (await rig.laminate("exec", name, "test", "-e", "/ticks")).code === 0);
    await rig.ok("pause", name);
    const before = await ticks();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await ticks()).toBe(before);
    expect(await rig.inspect(name, "{{.State.Status}} {{.State.Paused}} {{.State.Running}}")).toBe("paused true true");
    expect(await rig.ok("ps", "--filter", "status=paused", "--format", "{{.Names}} {{.Status}}")).toMatch(new RegExp(`^${name} Up .*\\(Paused\\)\n$`));
    expect(await rig.laminate("exec", name, "true")).toMatchObject({ code: 1, err: expect.stringContaining("is paused") });
    await rig.ok("unpause", name);
    await until(async () => (await ticks()) !== before);
    await rig.ok("pause", name);
    await rig.ok("stop", "-t", "1", name);
    expect(await rig.inspect(name, "{{.State.Status}}")).toBe("exited");
  });

  test("may not reach devices that it was not given, though it can make their nodes", async () => {
    const reach = ["busybox", "sh", "-c", "busybox mknod /node c 10 229 && cat < /node"];
    expect((await run("--rm", ...reach)).err).toMatch(/Operation not permitted/);
    const given = await run("--rm", "--device", "/dev/fuse:/dev/mine:r", "busybox", "ls", "/dev/mine");
    expect(given).toMatchObject(existsSync("/dev/fuse") ? { code: 0, out: "/dev/mine\n" } : { code: 125 });
  });

  test.each(["rm", "--rm", "a killed monitor"])("leaves no cgroup after %s", async (how) => {
    const name = await rig.started(...(how === "--rm" ? ["--rm"] : []), "busybox", "sleep", "1000");
    const id = await rig.inspect(name, "{{.Id}}");
    expect(cgroupsOf(id).length).toBeGreaterThan(0);
    if (how === "a killed monitor") process.kill((await rig.processes(name)).monitor, "SIGKILL");
    if (how === "--rm") await rig.ok("kill", name);
    else await rig.ok("rm", "-f", name);
    await until(() => cgroupsOf(id).length === 0);
  });

  test("one that nobody saw end loses its cgroup when the next is made", async () => {
    const name = await rig.started("busybox", "sleep", "1000");
    const id = await rig.inspect(name, "{{.Id}}");
    const { monitor, init } = await rig.processes(name);
    process.kill(monitor, "SIGKILL");
    process.kill(init, "SIGKILL");
    await until(async () => (await rig.inspect(name, "{{.State.Status}}")) === "dead" && !existsSync(`/proc/${init}`));
    await run("--rm", "busybox", "true");
    await until(() => cgroupsOf(id).length === 0);
  });
});

describe.skipIf(!CONTAINERS || process.geteuid?.() !== 0)("an ordinary user's container", () => {
  test("is refused a limit that cannot be set, by name, and is limited where no cgroup is needed", async () => {
    await using rig = new ContainerRig("an ordinary user");
    await rig.prepare();
    const refused = await ending(rig.start(["run", "--rm", "--network", "none", "--memory", "64m", "busybox", "true"]));
    expect(refused).toMatchObject({ code: 125, err: expect.stringMatching(/cannot set --memory: /) });
    expect(await rig.ok("run", "--rm", "--network", "none", "--ulimit", "nofile=100", "busybox", "sh", "-c", "ulimit -n")).toBe("100\n");
    expect(await rig.laminate("ps", "-aq")).toMatchObject({ out: "" });
  });

  test.skipIf(process.geteuid?.() !== 0 || V2 === undefined)("has a cgroup of its own where one is delegated, and is told which controller is missing there", async () => {
    await using rig = new ContainerRig("an ordinary user");
    await rig.prepare();
    const cgroup = `laminate-test-${process.pid}`;
    const asUser = join(import.meta.dirname, "../testing/sandbox/as-user-main.ts");
    const typed = `
      run() { $laminate run --network none "$@"; }
      run --rm busybox sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup/cgroup.freeze'
      run -d --name paused busybox sleep 1000 >/dev/null
      $laminate pause paused; $laminate ps --format '{{.Status}}'; $laminate unpause paused
      ls -d /sys/fs/cgroup/${cgroup}/laminate-*; $laminate rm -f paused; ls -d /sys/fs/cgroup/${cgroup}/laminate-*
      run --rm --memory 64m busybox true`;
    const script = `
      umount -lR /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
      cgroup=/sys/fs/cgroup/${cgroup}; mkdir $cgroup; chown ${TEST_UID}:${TEST_UID} $cgroup $cgroup/cgroup.procs $cgroup/cgroup.subtree_control
      echo $$ > $cgroup/cgroup.procs
      "$1" "$2" "$3" sh -c "$4"
      echo $$ > /sys/fs/cgroup/cgroup.procs
      for i in $(seq 300); do rmdir $cgroup/* $cgroup; [ -d $cgroup ] || exit 0; sleep 0.1; done 2>/dev/null; exit 1 # a monitor may be on its way out`;
    const env = { ...process.env, HOME: rig.directory, LAMINATE_ROOT: rig.root, laminate: join(import.meta.dirname, "../../bin/laminate") };
    const { code, out, err } = await ending(spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, "sh", process.execPath, asUser, rig.directory, typed], { env, stdio: ["ignore", "pipe", "pipe"] }));
    expect({ code, out, err }).toEqual({
      code: 0,
      out: expect.stringMatching(new RegExp(`0::/\\n/sys/fs/cgroup/cgroup.freeze\\npaused\\nUp .* \\(Paused\\)\\npaused\\n/sys/fs/cgroup/${cgroup}/laminate-[0-9a-f]{64}\\npaused\\n$`)),
      err: expect.stringContaining(`cannot set --memory: the cgroup we are in, /${cgroup}, has no controller memory`),
    });
  });
});
