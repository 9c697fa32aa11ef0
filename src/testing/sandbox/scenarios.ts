import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { SandboxError } from "../../sandbox/sandbox-error.ts";
import { createSandbox, type StepSpec } from "../../sandbox/sandbox.ts";
import { until } from "../until.ts";
import { WORKER_ENTRY, type SandboxRig } from "./rig.ts";
import { checkSystemCalls } from "./system-calls.ts";

/** What holds for every sandbox: as root and as an ordinary user, with runc and with crun. */
export interface Scenario {
  readonly name: string;
  run(rig: SandboxRig): Promise<void>;
}

const scenario = (name: string, run: Scenario["run"]): Scenario => ({ name, run });

/** Words of command lines of all processes that this user may see. */
export function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    });
}

/** Mounts below a directory in any mount namespace that this user may see. */
function mountsBelow(directory: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  const tables = pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/mountinfo`, "utf8");
    } catch {
      return "";
    }
  });
  return tables.flatMap((table) => table.split("\n")).filter((line) => line.includes(directory));
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => assert.fail("it should have failed"), (error: unknown) => error);
}

export const SCENARIOS: readonly Scenario[] = [
  scenario("a step's exit code and its two streams come back, and a failed step makes no layer", async (rig) => {
    const ran = await rig.run("echo out; echo err >&2; touch /made; exit 3");
    assert.equal(ran.exitCode, 3);
    assert.deepEqual([ran.stdout, ran.stderr, ran.layer], ["out\n", "err\n", undefined]);
  }),
  scenario("a failed step leaves its scratch directory empty", async (rig) => {
    const scratch = rig.fresh("scratch");
    await rig.run("touch /made; mkdir -m 0 /shut; exit 1", { scratch });
    assert.deepEqual(readdirSync(scratch), []);
  }),
  scenario("the files a step makes are its layer, with mode and owner", async (rig) => {
    const ran = await rig.run("mkdir -p /srv/www; echo hi >/srv/www/index; chmod 640 /srv/www/index; chown 1000:1001 /srv/www/index; chmod 4755 /srv/www");
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.deepEqual(ran.paths, ["srv/", "srv/www/", "srv/www/index"]);
    assert.match(ran.listing, /-rw-r----- 1000\/1001 +3 .* srv\/www\/index/);
    assert.match(ran.listing, /drwsr-xr-x 0\/0 .* srv\/www\//);
  }),
  scenario("a step that changes nothing makes an empty layer, but for the /proc, /dev and /sys that an image lacks", async (rig) => {
    const bare = await rig.layer({}, (tree) => {
      execFileSync("cp", ["/bin/busybox", join(tree, "sh")]);
    });
    const ran = await rig.run("", { lowers: [bare], argv: ["/sh", "-c", "exit 0"] });
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.deepEqual(ran.paths, ["dev/", "proc/", "sys/"]);
  }),
  scenario("mounted resolv.conf and hosts leave nothing in the layer", async (rig) => {
    const ran = await rig.run("cat /etc/resolv.conf /etc/hosts; touch /etc/mine", { hostname: "somewhere" });
    assert.match(ran.stdout, /127\.0\.0\.1\tlocalhost somewhere/);
    assert.deepEqual(ran.paths, ["etc/", "etc/mine"]);
    assert.deepEqual((await rig.run("true")).paths, []);
  }),
  scenario("a resolv.conf that is a link to nowhere leaves nothing in the layer", async (rig) => {
    const linked = await rig.layer({ "etc/resolv.conf": "-> ../run/resolved/stub.conf", run: null });
    const ran = await rig.run("cat /etc/resolv.conf", { lowers: [await rig.base(), linked] });
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.deepEqual(ran.paths, []);
  }),
  scenario("a deleted file is a whiteout, a replaced directory is opaque", async (rig) => {
    const ran = await rig.run("rm /data/a; rm -r /data/deep; mkdir /data/deep; touch /data/deep/new");
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.deepEqual([...ran.paths].sort(), ["data/", "data/.wh.a", "data/deep/", "data/deep/.wh..wh..opq", "data/deep/new"]);
  }),
  scenario("a layer goes over its own base again: what a step deleted stays deleted", async (rig) => {
    const ran = await rig.run("rm -r /data/a /data/deep; echo new >/data/b");
    const base = await rig.base();
    for (const upper of [{ kind: "directory", path: ran.layer!.directory } as const, await rig.layerOf(ran.layer!.tar)]) {
      const after = await rig.run("ls /data; cat /data/b", { lowers: [base, upper] });
      assert.equal(after.stdout, "b\nnew\n");
    }
  }),
  scenario("all files of a step are on one file system, changed or not", async (rig) => {
    const above = await rig.layer({ "data/above": "x\n" });
    const ran = await rig.run("echo new >>/data/a; stat -c %d / /data /data/a /data/b /data/above /bin/busybox", { lowers: [await rig.base(), above] });
    assert.equal(new Set(ran.stdout.trim().split("\n")).size, 1, ran.stdout);
  }),
  scenario("a second step over the same layers sees nothing of the first", async (rig) => {
    await rig.run("echo changed >/data/a; rm /data/b");
    assert.equal((await rig.run("cat /data/a /data/b")).stdout, "a\nb\n");
  }),
  scenario("hard links stay hard links", async (rig) => {
    const ran = await rig.run("echo x >/one; ln /one /two");
    assert.match(ran.listing, /^h.* two link to one$/m);
  }),
  scenario("a hundred and twenty layers can be run over", async (rig) => {
    const lowers = [await rig.base()];
    for (let at = 0; at < 119; at += 1) {
      lowers.push(await rig.layer({ [`d${at}`]: null }));
    }
    const ran = await rig.run("ls -d /d* | wc -l", { lowers });
    assert.equal(ran.stdout.trim(), "121", ran.stderr); // with /data and /dev
  }),
  scenario("a user is looked up in the image: name, number, group, supplementary groups, home", async (rig) => {
    const id = async (user: string) => (await rig.run("echo $(id -u) $(id -g) $(id -G) $HOME", { user })).stdout.trim();
    assert.equal(await id("app"), "1000 1001 1001 44 50 /home/app");
    assert.equal(await id("1000"), "1000 1001 1001 44 50 /home/app");
    assert.equal(await id("app:staff"), "1000 50 50 /home/app");
    assert.equal(await id("4321:77"), "4321 77 77 /");
    assert.equal(await id("4321"), "4321 0 0 /");
    assert.equal(await id(""), "0 0 0 /root");
  }),
  scenario("an unknown user is named, and the scratch directory is empty", async (rig) => {
    const scratch = rig.fresh("scratch");
    const error = await failureOf(rig.run("true", { user: "nobody-here", scratch }));
    assert.ok(error instanceof SandboxError && error.code === "no-such-user", String(error));
    assert.match(error.message, /unable to find user nobody-here/);
    assert.deepEqual(readdirSync(scratch), []);
  }),
  scenario("a passwd file that is a link is followed inside the image only", async (rig) => {
    const linked = await rig.layer({ "etc/passwd": "-> /../../../../accounts", accounts: "inside:x:7:8::/in:/bin/sh\n" });
    const ran = await rig.run("id -u", { lowers: [await rig.base(), linked], user: "inside" });
    assert.equal(ran.stdout, "7\n");
    const outside = await failureOf(rig.run("id -u", { lowers: [await rig.base(), linked], user: "daemon" }));
    assert.match(String(outside), /unable to find user daemon/);
  }),
  scenario("a program that is missing gives 127, one that may not be executed 126", async (rig) => {
    const missing = await rig.run("", { argv: ["no-such-program"] });
    assert.equal(missing.exitCode, 127, missing.stderr);
    assert.match(missing.stderr, /no-such-program/);
    const forbidden = await rig.run("", { argv: ["/etc/passwd"] });
    assert.equal(forbidden.exitCode, 126, forbidden.stderr);
  }),
  scenario("the environment is the step's alone", async (rig) => {
    const ran = await rig.run("env", { env: ["PATH=/bin", "A=1 2"] });
    assert.deepEqual(ran.stdout.trim().split("\n").filter((line) => !/^(PWD|SHLVL|_)=/.test(line)).sort(), ["A=1 2", "HOME=/root", "PATH=/bin"]);
  }),
  scenario("standard input is empty", async (rig) => {
    assert.equal((await rig.run("cat; echo end")).stdout, "end\n");
  }),
  scenario("a missing working directory is made", async (rig) => {
    const ran = await rig.run("pwd", { cwd: "/work/place" });
    assert.equal(ran.stdout, "/work/place\n", ran.stderr);
    assert.deepEqual(ran.paths, ["work/", "work/place/"]);
  }),
  scenario("added hosts are in /etc/hosts and the host's name is the step's", async (rig) => {
    const ran = await rig.run("hostname; cat /etc/hosts", { hostname: "box", addHosts: [{ name: "db", address: "10.1.2.3" }] });
    assert.match(ran.stdout, /^box\n/);
    assert.match(ran.stdout, /10\.1\.2\.3\tdb/);
  }),
  scenario("network none has a loopback and nothing else", async (rig) => {
    const ran = await rig.run("ip -o link", { network: "none" });
    assert.match(ran.stdout, /^\d+: lo: <LOOPBACK,UP/);
    assert.equal(ran.stdout.trim().split("\n").length, 1);
    assert.equal(ran.network.kind, "none");
  }),
  scenario("the default network reaches out, private where that works and else the host's with a reason", async (rig) => {
    const address = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)?.address;
    if (address === undefined) return;
    const server = createServer((socket) => socket.end("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"));
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as { port: number };
    const ran = await rig.run(`wget -q -O - http://${address}:${port}/; ip -o link | grep -c tap0`, { network: "default" }).finally(() => server.close());
    assert.match(ran.stdout, /^hello/, ran.stderr);
    const facts = await rig.sandbox.probe();
    assert.equal(ran.network.kind, facts.network);
    assert.equal(ran.network.kind === "host", facts.networkReason !== undefined);
  }),
  scenario("dangerous places are masked or read-only, and the capabilities are Docker's", async (rig) => {
    const ran = await rig.run("cat /proc/kcore | wc -c; touch /proc/sys/kernel/hostname 2>&1; echo x >/proc/sys/kernel/domainname; grep CapBnd /proc/self/status; mount -t tmpfs t /tmp 2>&1");
    assert.match(ran.stdout, /^0\n/);
    assert.match(ran.stderr, /Read-only file system/);
    assert.match(ran.stdout, /CapBnd:\s+00000000a80425fb/);
    assert.match(ran.stdout, /mount: .*(denied|permitted)/i);
  }),
  scenario("a filter keeps a step from making namespaces of its own, and lets processes start", async (rig) => {
    const ran = await rig.run("unshare -U true; (echo child); grep Seccomp: /proc/self/status");
    assert.match(ran.stderr, /unshare.*not permitted/);
    assert.match(ran.stdout, /^child\nSeccomp:\s+2/);
  }),
  scenario("the filter decides as Docker's: calls on the machine are forbidden, unknown ones missing, usual ones allowed", checkSystemCalls),
  scenario("an abort kills everything in the container and leaves no mount, no file and no process", async (rig) => {
    const abort = new AbortController();
    const scratch = rig.fresh("scratch");
    const nap = `100${rig.root.length}7.${process.pid}`;
    const error = await failureOf(
      rig.run(`touch /made; sleep ${nap} & (trap '' TERM INT; echo ready; sleep ${nap}; sleep ${nap})`, { scratch, signal: abort.signal, onOutput: () => abort.abort(new Error("enough")) }),
    );
    assert.equal((error as Error).message, "enough");
    assert.deepEqual(commandLines().filter((line) => line.includes(`sleep ${nap}`)), []);
    assert.deepEqual(mountsBelow(scratch), []);
    assert.deepEqual(readdirSync(scratch), []);
    assert.equal((await rig.run("echo alive")).stdout, "alive\n");
  }),
  scenario("an abort at any moment ends the step, which itself would last too long", async (rig) => {
    for (const wait of [0, 2, 5, 10, 20, 40]) {
      const abort = new AbortController();
      const scratch = rig.fresh("scratch");
      const running = failureOf(rig.run("sleep 1000", { scratch, signal: abort.signal }));
      setTimeout(() => abort.abort(new Error("enough")), wait);
      assert.equal(((await running) as Error).message, "enough");
      assert.deepEqual(mountsBelow(scratch), []);
    }
  }),
  scenario("steps run at the same time", async (rig) => {
    const ran = await Promise.all(["one", "two", "three", "four"].map((word) => rig.run(`echo ${word} >/${word}; sleep 0.2; ls -d /${word}`)));
    assert.deepEqual(ran.map(({ stdout }) => stdout), ["/one\n", "/two\n", "/three\n", "/four\n"]);
    assert.deepEqual(ran.map(({ paths }) => paths), [["one"], ["two"], ["three"], ["four"]]);
  }),
  scenario("a background process ends with its step", async (rig) => {
    const nap = `2001${process.pid}`;
    const ran = await rig.run(`sleep ${nap} & echo done`);
    assert.equal(ran.stdout, "done\n");
    assert.deepEqual(commandLines().filter((line) => line.includes(`sleep ${nap}`)), []);
  }),
  scenario("a layer's tree is removed whoever owns it, and nothing outside the store", async (rig) => {
    const ran = await rig.run("mkdir -p /a/b; chown -R 1000:1000 /a; chmod 0 /a/b");
    await rig.sandbox.removeTree(ran.layer!.directory);
    assert.equal(existsSync(ran.layer!.directory), false);
    const outside = `${rig.root}-outside`;
    mkdirSync(outside);
    assert.match(String(await failureOf(rig.sandbox.removeTree(outside))), /not below the store/);
    assert.match(String(await failureOf(rig.sandbox.removeTree(rig.root))), /not below the store/);
    assert.equal(existsSync(outside), true);
    rmSync(outside, { recursive: true });
  }),
  scenario("a step's mounts are at their targets and leave nothing in its layer, also where those were missing", async (rig) => {
    const shown = await rig.layer({ "etc/passwd": "shown\n", "d/f": "f\n", l: "-> d" });
    const cache = join(rig.fresh("cache"), "data");
    const mounts: StepSpec["mounts"] = [
      { kind: "tree", target: "/no/where/tree", lowers: [shown], source: "/l", readOnly: true },
      { kind: "tree", target: "/data", lowers: [shown], source: "/", readOnly: false },
      { kind: "cache", target: "/var/cache/x", path: cache, readOnly: false, owner: { uid: 1000, gid: 1001, mode: 0o750 } },
      { kind: "tmpfs", target: "/new/tmp", size: 65536 },
      { kind: "tmpfs", target: "/data/deep" },
      { kind: "secret", target: "/run/secrets/s", content: Buffer.from("hush").toString("base64"), uid: 1000, gid: 50, mode: 0o440 },
    ];
    const script = "cat /no/where/tree/f /data/etc/passwd /run/secrets/s; echo $V; touch /no/where/tree/x && echo wrong; echo mine > /data/d/f; cat /data/d/f; cat /var/cache/x/*; echo kept > /var/cache/x/k$V; stat -c '%u %g %a' /var/cache/x /run/secrets/s /new/tmp; ls /data/deep";
    for (const [at, kept] of ["", "kept\n"].entries()) {
      const ran = await rig.run(script, { mounts, secretEnv: [`V=${at}`] });
      assert.equal(ran.exitCode, 0, ran.stderr);
      assert.equal(ran.stdout, `f\nshown\nhush${at}\nmine\n${kept}1000 1001 750\n1000 50 440\n0 0 1777\n`);
      assert.deepEqual(ran.paths, []);
    }
    const user = await rig.run("id -u; cat /run/secrets/s; touch /var/cache/x/own && echo wrote", { mounts, user: "app" });
    assert.equal(user.stdout, "1000\nhushwrote\n");
  }),
  scenario("a cache starts with what its seed has, owners too, and a failed or an aborted step leaves no mount", async (rig) => {
    const seed = await rig.layer({ "s/f": "seed\n" });
    const scratch = rig.fresh("scratch");
    const mounts: StepSpec["mounts"] = [{ kind: "cache", target: "/c", path: join(rig.fresh("cache"), "data"), readOnly: true, seed: { lowers: [seed], source: "/s" } }];
    const failed = await rig.run("cat /c/f; touch /c/x", { mounts, scratch });
    assert.deepEqual([failed.stdout, failed.exitCode], ["seed\n", 1]);
    assert.deepEqual([readdirSync(scratch), mountsBelow(scratch)], [[], []]);
    const abort = new AbortController();
    const error = await failureOf(rig.run("echo ready; sleep 100", { mounts, scratch, signal: abort.signal, onOutput: () => abort.abort(new Error("enough")) }));
    assert.equal(String(error), "Error: enough");
    assert.deepEqual([readdirSync(scratch), mountsBelow(scratch)], [[], []]);
    const missing = await failureOf(rig.run("true", { mounts: [{ kind: "tree", target: "/t", lowers: [seed], source: "/none", readOnly: true }], scratch }));
    assert.ok(missing instanceof SandboxError && missing.code === "mount-failed", String(missing));
    assert.deepEqual([readdirSync(scratch), mountsBelow(scratch)], [[], []]);
  }),
  scenario("an agent's socket is one that its owner may use, whatever connects to the agent is us", async (rig) => {
    const agent = join(rig.fresh("agent"), "s");
    const server = createServer((socket) => socket.on("data", (data) => socket.end(`got ${data.toString()}`))).listen(agent);
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const mounts: StepSpec["mounts"] = [{ kind: "agent", target: "/run/agent", agent, uid: 1000, gid: 1001, mode: 0o600 }];
      const ran = await rig.run("stat -c '%u %g %a %F' /run/agent; ls /run", { mounts, user: "app" });
      assert.equal(ran.stdout, "1000 1001 600 socket\nagent\n", ran.stderr);
      assert.deepEqual(ran.paths, []);
    } finally {
      server.close();
    }
  }),
  scenario("what a dead process left is removed once a worker runs", async (rig) => {
    const ran = await rig.run("mkdir /a; touch /a/f; chown -R 1000:1000 /a; chmod 700 /a");
    const left = ran.layer!.directory;
    await using other = createSandbox({ env: process.env, root: rig.root, entry: WORKER_ENTRY, leftovers: [left] });
    await other.probe();
    await until(() => !existsSync(left));
  }),
  scenario("a worker that is killed fails its step, takes the container along, and the next request starts another", async (rig) => {
    const nap = `4004${process.pid}`;
    const scratch = rig.fresh("scratch");
    const killWorker = () => {
      const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
      for (const pid of children) process.kill(Number(pid), "SIGKILL");
    };
    const error = await failureOf(rig.run(`echo ready; sleep ${nap}`, { scratch, onOutput: killWorker }));
    assert.ok(error instanceof SandboxError && error.code === "worker-died", String(error));
    assert.equal((await rig.run("echo alive")).stdout, "alive\n");
    // A worker's death is known from its streams, which the kernel closes before it kills what is in the PID namespace.
    await until(() => !commandLines().some((line) => line.includes(`sleep ${nap}`)) && mountsBelow(scratch).length === 0);
    await rig.sandbox.removeTree(scratch);
  }),
  scenario("much output comes whole", async (rig) => {
    const ran = await rig.run("seq 1 200000");
    assert.equal(ran.stdout.length, 1_288_895);
  }),
];
