import { existsSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ContainerRig, CONTAINERS, ending } from "../testing/containers.ts";
import { commandLines } from "../testing/sandbox/scenarios.ts";
import { ask, Machine, MACHINE, ON_MACHINE, OUTSIDE, serve, traces } from "../testing/sandbox/machine-network.ts";
import { until } from "../testing/until.ts";

const CAN = CONTAINERS && process.geteuid?.() === 0 && existsSync("/usr/sbin/iptables-restore");
const CLEAN = { devices: [], rules: [], forwarding: "0" };
/** Serves its host name on port 80. */
const WEB = ["sh", "-c", "hostname > /data/index.html; exec busybox httpd -f -p 80 -h /data"];
/** A container in the background that serves its name, with the default network; gives that name. */
async function startWeb(rig: ContainerRig, flags: readonly string[]): Promise<string> {
  const name = rig.name();
  await rig.ok("run", "-d", "--name", name, "--hostname", name, ...flags, "busybox", ...WEB);
  return name;
}

const page = (place: readonly string[], address: string, port: number) => ask(place, address, port, "http");

describe.skipIf(!CAN)("root's containers on a machine of their own", () => {
  let machine: Machine;
  let rig: ContainerRig;

  beforeAll(async () => {
    machine = await Machine.start();
    rig = new ContainerRig("root", { machine });
    await rig.prepare();
  });

  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await machine[Symbol.asyncDispose]();
  });

  const portOf = async (name: string, wanted: string) => Number((await rig.ok("port", name, wanted)).trim().split(":").at(-1));
  const web = (...flags: readonly string[]) => startWeb(rig, flags);

  test("-p publishes a port on the loopback and to the outside; ps, port and inspect tell it", async () => {
    const name = await web("-p", "8080:80");
    await until(() => page(machine.place, "127.0.0.1", 8080).includes(name));
    expect(page(machine.outside, MACHINE, 8080)).toContain(name);
    expect(await rig.ok("ps", "--format", "{{.Ports}}", "--filter", `name=${name}`)).toBe("0.0.0.0:8080->80/tcp\n");
    expect(await rig.ok("port", name)).toBe("80/tcp -> 0.0.0.0:8080\n");
    expect(await rig.ok("port", name, "80/tcp")).toBe("0.0.0.0:8080\n");
    expect(await rig.laminate("port", name, "81")).toEqual({ code: 1, out: "", err: expect.stringContaining(`No public port '81' published for ${name}`) });
    expect(await rig.inspect(name, '{{.NetworkSettings.IPAddress}} {{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}')).toMatch(/^10\.213\.0\.\d+ 8080$/);
    await rig.ok("stop", "-t", "0", name);
    expect(page(machine.place, "127.0.0.1", 8080)).toBe("ECONNREFUSED");
    expect(await rig.laminate("port", name)).toMatchObject({ code: 1 });
    await rig.ok("rm", name);
  });

  test("-P publishes what is exposed at random ports, ranges and udp too", async () => {
    const name = await web("-P", "--expose", "80", "--expose", "7000-7001/udp", "-p", "127.0.0.1::81");
    expect(await rig.ok("port", name)).toMatch(/^81\/tcp -> 127\.0\.0\.1:\d+\n80\/tcp -> 0\.0\.0\.0:\d+\n7000\/udp -> 0\.0\.0\.0:\d+\n7001\/udp -> 0\.0\.0\.0:\d+\n$/);
    const port = await portOf(name, "80");
    await until(() => page(machine.place, "127.0.0.1", port).includes(name));
    await rig.ok("rm", "-f", name);
  });

  test("a port that is taken is told, and leaves no container and no trace", async () => {
    const name = await web("-p", "8081:80");
    const before = traces(machine.place);
    const [second, third] = [rig.name(), rig.name()];
    expect(await rig.laminate("run", "-d", "--name", second, "-p", "8081:80", "busybox", ...WEB)).toEqual({ code: 125, out: "", err: expect.stringContaining("Bind for 0.0.0.0:8081 failed: port is already allocated") });
    expect(await rig.laminate("run", "--rm", "--name", third, "-p", "203.0.113.77:1:80", "busybox", "true")).toMatchObject({ code: 125, err: expect.stringContaining("203.0.113.77 is no address of this machine") });
    expect(await rig.ok("ps", "-a", "--format", "{{.Names}}")).not.toMatch(`${second}|${third}`);
    expect(traces(machine.place)).toEqual(before);
    await rig.ok("rm", "-f", name);
  });

  test("a port is free for the next as soon as stop, rm -f or the command has ended", async () => {
    for (let round = 0; round < 3; round += 1) {
      const name = await web("-p", "8082:80");
      await rig.ok(...(round % 2 === 0 ? ["stop", "-t", "0"] : ["rm", "-f"]), name);
      expect(await rig.ok("run", "--rm", "-p", "8082:80", "busybox", "echo", "ended")).toBe("ended\n");
    }
  });

  test("inside are its own address and name, the machine at host-gateway, and the nameservers asked for", async () => {
    const server = await serve(machine.place, "the machine", { port: 9000 });
    const name = await web("--add-host", "machine:host-gateway", "--dns", "192.0.2.53", "--dns-search", "example.test");
    const address = await rig.inspect(name, "{{.NetworkSettings.IPAddress}}");
    expect(await rig.ok("exec", name, "cat", "/etc/hosts")).toContain(`\n${address}\t${name}\n`);
    expect(await rig.ok("exec", name, "cat", "/etc/resolv.conf")).toMatch(/^nameserver 192\.0\.2\.53\n(.*\n)*search example\.test\n$/);
    expect(await rig.ok("exec", name, "busybox", "nc", "machine", "9000")).toBe(`the machine asked by ${address}`);
    await rig.ok("rm", "-f", name);
    server.kill();
  });

  test("they reach the outside and one another; none and host are what they say", async () => {
    const server = await serve(machine.outside, "outside", { port: 9001 });
    const name = await web();
    expect(await rig.ok("run", "--rm", "busybox", "busybox", "nc", OUTSIDE, "9001")).toBe(`outside asked by ${MACHINE}`);
    expect(await rig.ok("run", "--rm", "--network", "host", "busybox", "busybox", "nc", OUTSIDE, "9001")).toBe(`outside asked by ${MACHINE}`);
    expect(await rig.laminate("run", "--rm", "--network", "none", "busybox", "busybox", "nc", "-w", "1", OUTSIDE, "9001")).toMatchObject({ code: 1 });
    const address = await rig.inspect(name, "{{.NetworkSettings.IPAddress}}");
    await until(async () => (await rig.laminate("exec", name, "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1/")).code === 0);
    expect(await rig.ok("run", "--rm", "busybox", "busybox", "wget", "-q", "-O", "-", `http://${address}/`)).toBe(`${name}\n`);
    await rig.ok("rm", "-f", name);
    server.kill();
  });

  test("a user other than root may listen on port 80 there", async () => {
    expect(await rig.ok("run", "--rm", "-u", "web", "busybox", "sh", "-c", "busybox nc -l -p 80 & sleep 0.2; kill $! && echo listened")).toBe("listened\n");
  });

  test("many started at once have an address each", async () => {
    const names = await Promise.all(Array.from({ length: 4 }, () => web("-p", "80")));
    const addresses = await Promise.all(names.map((name) => rig.inspect(name, "{{.NetworkSettings.IPAddress}}")));
    expect(new Set(addresses).size).toBe(4);
    await rig.ok("rm", "-f", ...names);
  });

  test("with the last container everything is gone, also when monitors were killed", async () => {
    const [stopped, removed, unwatched] = [await web("-p", "80"), await web("-p", "80"), await web("-p", "8083:80")];
    expect(traces(machine.place)).toMatchObject({ devices: expect.arrayContaining([expect.any(String)]), forwarding: "1" });
    const { monitor, init } = await rig.processes(unwatched);
    for (const pid of [monitor, init]) await ending(rig.onMachine(["kill", "-9", `${pid}`]));
    await rig.ok("stop", "-t", "0", stopped);
    await rig.ok("rm", "-f", removed, unwatched);
    expect(traces(machine.place)).toEqual(CLEAN);
    expect(await rig.ok("run", "--rm", "-p", "8083:80", "busybox", "true")).toBe("");
    const child = rig.start(["run", "--rm", "--name", "unwatched-run", "busybox", "sleep", "1000"]);
    await until(async () => (await rig.ok("ps", "-q", "--filter", "name=unwatched-run")) !== "");
    child.kill("SIGKILL");
    await rig.ok("rm", "-f", "unwatched-run");
    await until(() => JSON.stringify(traces(machine.place)) === JSON.stringify(CLEAN));
    await rig.ok("rm", stopped);
  });
});

describe.skipIf(!CAN)("root's containers on a machine where no private network can be had", () => {
  let machine: Machine;
  let rig: ContainerRig;

  beforeAll(async () => {
    machine = await Machine.start(["/usr/sbin/iptables-restore", "/usr/bin/slirp4netns", "/usr/bin/pasta"]);
    rig = new ContainerRig("root", { machine });
    await rig.prepare();
  });

  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await machine[Symbol.asyncDispose]();
  });

  test("they have the host's, which is told once, and whenever ports are published", async () => {
    expect(await rig.laminate("run", "--rm", "busybox", "true")).toMatchObject({ code: 0, err: "The container has the host's network: none of iptables, slirp4netns and pasta is installed.\n" });
    expect(await rig.laminate("run", "--rm", "busybox", "true")).toMatchObject({ code: 0, err: "" });
    const name = rig.name();
    const started = await rig.laminate("run", "-d", "--name", name, "-p", "80:80", "busybox", ...WEB);
    expect(started).toMatchObject({ code: 0, err: "The container has the host's network (none of iptables, slirp4netns and pasta is installed): its ports are the host's ports of the same numbers.\n" });
    await until(() => page(machine.outside, MACHINE, 80).includes("200 OK"));
    expect(await rig.ok("port", name)).toBe("80/tcp -> 0.0.0.0:80\n");
    expect(await rig.laminate("run", "-d", "-p", "80:80", "busybox", ...WEB)).toMatchObject({ code: 125, err: expect.stringContaining("port is already allocated") });
    await rig.ok("rm", "-f", name);
  });

  test("a port of another number is refused with the reason, and no container is left", async () => {
    expect(await rig.laminate("run", "-d", "-p", "8080:80", "busybox", ...WEB)).toMatchObject({ code: 125, err: expect.stringMatching(/cannot publish port 80 as 8080: the container has the host's network \(none .*\), where its port is the same\n.*-p 80:80/) });
    expect(await rig.ok("ps", "-aq")).toBe("");
  });
});

/** What serves an ordinary user, with what else is installed. */
const PROGRAMS = [
  { program: "/usr/bin/slirp4netns", without: [], address: "10.0.2.100", nameserver: "10.0.2.3" },
  { program: "/usr/bin/pasta", without: ["/usr/bin/slirp4netns"].filter((path) => existsSync(path)) },
].filter(({ program }) => existsSync(program));

describe.skipIf(!CAN).each(PROGRAMS)("an ordinary user's containers with $program, where /dev/net/tun may be opened", ({ program, without, address, nameserver }) => {
  let rig: ContainerRig;

  beforeAll(async () => {
    rig = new ContainerRig("an ordinary user", { tun: true, without });
    await rig.prepare();
  });

  afterEach(async () => void (await rig.laminate("rm", "-f", ...(await rig.ok("ps", "-aq")).split("\n").filter(Boolean))));
  afterAll(async () => await rig[Symbol.asyncDispose]());

  /** The processes that serve this rig's containers. */
  const serving = () => commandLines().filter((line) => line.startsWith(program) && line.includes(rig.directory));
  const web = (...flags: readonly string[]) => startWeb(rig, flags);

  test("have a private network, with published ports that answer, and it ends with them", async () => {
    const name = await web("-p", "80", "-p", "127.0.0.1::7000/udp");
    const [, port] = /^80\/tcp -> 0\.0\.0\.0:(\d+)\n7000\/udp -> 127\.0\.0\.1:\d+\n$/.exec(await rig.ok("port", name)) ?? [];
    await until(() => page(ON_MACHINE, "127.0.0.1", Number(port)).includes(name));
    const files = await rig.ok("exec", name, "cat", "/etc/hosts", "/etc/resolv.conf");
    if (address !== undefined) expect(files).toContain(`\n${address}\t${name}\n`);
    if (nameserver !== undefined) expect(files).toContain(`nameserver ${nameserver}\n`);
    expect(serving()).toHaveLength(1);
    await rig.ok("stop", "-t", "0", name);
    expect(serving()).toEqual([]);
    expect(page(ON_MACHINE, "127.0.0.1", Number(port))).toBe("ECONNREFUSED");
  });

  test.each([["stop", "-t", "0"], ["rm", "-f"]])("a port is free for the next as soon as %s has ended", async (...end) => {
    const name = await web("-p", "80");
    const port = (await rig.ok("port", name, "80")).trim().split(":").at(-1)!;
    await rig.ok(...end, name);
    expect(await rig.ok("run", "--rm", "-p", `${port}:80`, "busybox", "echo", "ended")).toBe("ended\n");
  });

  test("a port that is taken, or below 1024, is told and leaves nothing", async () => {
    const name = await web("-p", "80");
    const port = (await rig.ok("port", name, "80")).trim().split(":").at(-1)!;
    expect(await rig.laminate("run", "-d", "-p", `${port}:80`, "busybox", ...WEB)).toMatchObject({ code: 125, err: expect.stringContaining(`Bind for 0.0.0.0:${port} failed: port is already allocated`) });
    expect(await rig.laminate("run", "-d", "-p", "81:80", "busybox", ...WEB)).toMatchObject({ code: 125, err: expect.stringMatching(/an ordinary user may not take ports below 1024\n.*ip_unprivileged_port_start/) });
    expect(await rig.ok("ps", "-a", "--format", "{{.Names}}")).toBe(`${name}\n`);
    expect(serving()).toHaveLength(1);
  });

  test.skipIf(address === undefined)("in the foreground they reach this machine at host-gateway, and the network ends with them", async () => {
    const server = await serve(ON_MACHINE, "this machine", { port: 0 });
    expect(await rig.ok("run", "--rm", "--add-host", "machine:host-gateway", "busybox", "busybox", "nc", "machine", `${server.servedPort}`)).toMatch(/^this machine asked by /);
    server.kill();
    await until(() => serving().length === 0);
  });

  test("a killed monitor takes the network with it, at the latest when the container is removed", async () => {
    const name = await web("-p", "80");
    process.kill((await rig.processes(name)).monitor, "SIGKILL");
    if (address === undefined) await rig.ok("rm", "-f", name);
    await until(() => serving().length === 0);
  });
});
