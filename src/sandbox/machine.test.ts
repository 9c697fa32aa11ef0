import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commandLines } from "../testing/sandbox/scenarios.ts";
import { spawnAsUser } from "../testing/sandbox/as-user.ts";
import { processesOf } from "../testing/spawned.ts";
import { enterFailure } from "./namespace.ts";
import { findRuntime } from "./runtime.ts";
import { findCommand } from "./search-path.ts";
import { NetworkMemory } from "./network/memory.ts";

/** What the sandbox says and does where the machine lacks something or its parent dies. Each in a process of its own. */
const IS_ROOT = process.geteuid!() === 0;
const PROBE = fileURLToPath(new URL("../testing/sandbox/probe.ts", import.meta.url));
const AS_USER = fileURLToPath(new URL("../testing/sandbox/as-user-main.ts", import.meta.url));
const NETWORK_PROBE = fileURLToPath(new URL("../testing/sandbox/network-probe.ts", import.meta.url));
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "laminate-machine-"));
  chmodSync(directory, 0o755);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What a probing process says, as one line. */
async function outputOf(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout!.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr!.on("data", (data: Buffer) => (text += data.toString()));
  const timer = setTimeout(() => child.kill("SIGKILL"), 100_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return text.trim();
}

/** A directory with links to some commands, to be PATH and a stand-in for the system's own directories. */
function onlyCommands(names: readonly string[]): string {
  const bin = join(directory, "bin");
  mkdirSync(bin);
  for (const name of names) symlinkSync(findCommand(name, process.env)!, join(bin, name));
  return bin;
}

test.runIf(IS_ROOT)("without a line in /etc/subuid the user is told the file and the command", async () => {
  const said = await outputOf(spawnAsUser(directory, [process.execPath, PROBE, directory], { env: process.env, subordinate: false }));
  expect(said).toMatch(/no-subordinate-ids.*\/etc\/subuid has no line for the user "tester".*usermod --add-subuids/);
});

test.runIf(IS_ROOT)("without newuidmap the user is told the package", async () => {
  const hide = 'mkdir -p "$0/sbin"; for c in newuidmap newgidmap; do mount --bind /dev/null "$(command -v $c)"; done; exec "$@"';
  const child = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", hide, directory, process.execPath, AS_USER, directory, process.execPath, PROBE, directory]);
  expect(await outputOf(child)).toMatch(/no-newuidmap.*"newuidmap" was not found.*apt-get install uidmap/);
});

test.runIf(IS_ROOT)("where user namespaces are forbidden the user is told at once, and how they are allowed", async () => {
  // The setting belongs to a user namespace and counts for those below: so in one of our own, that has ids enough, it is set to 0.
  const forbid = `unshare --user --mount --propagation private sleep 120 & holder=$!
    until echo "0 0 400000" >/proc/$holder/uid_map && echo "0 0 400000" >/proc/$holder/gid_map; do sleep 0.05; done 2>/dev/null
    nsenter --target $holder --user --mount --setuid 0 --setgid 0 sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$@"; kill $holder`;
  // Other tests' users have the same ids: ours are known by what is in PATH, of which a worker's start is told.
  const env = { ...process.env, PATH: `${process.env["PATH"]}:${directory}` };
  const child = spawn("sh", ["-c", forbid, "sh", process.execPath, AS_USER, directory, process.execPath, PROBE, directory], { env });
  expect(await outputOf(child)).toMatch(/^namespaces-forbidden: .*sysctl -w user\.max_user_namespaces=\d+$/);
  expect(processesOf(directory).filter((line) => line.includes("--map-users"))).toEqual([]);
});

test.runIf(IS_ROOT)("an unshare too old to map subordinate ids is helped along by newuidmap", async () => {
  const bin = onlyCommands(["sh", "sleep", "readlink", "newuidmap", "newgidmap", "mount", "setpriv", "rm", "true", "cat", "mknod", "runc", "tar"]);
  const unshare = findCommand("unshare", process.env)!;
  writeFileSync(join(bin, "unshare"), `#!/bin/sh\n[ "$1" != --help ] || { echo old; exit; }\nfor word; do case "$word" in --map-*) echo "unshare: unrecognized option '$word'" >&2; exit 1;; esac; done\nexec ${unshare} "$@"\n`, { mode: 0o755 });
  const said = await outputOf(spawnAsUser(directory, ["env", `PATH=${bin}`, process.execPath, PROBE, directory], { env: process.env }));
  expect(JSON.parse(said)).toMatchObject({ dialect: "user", mapping: { uid: 2345, uids: { start: 300000, count: 65536 } }, ids: "0 2345 1,1 300000 65536" });
});

const SERVER_ADDRESS = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)?.address;

for (const kind of ["slirp4netns", "pasta"] as const) {
  const tool = findCommand(kind, process.env);
  test.runIf(IS_ROOT && tool !== undefined && SERVER_ADDRESS !== undefined)(`${kind} gives an ordinary user a network of its own and ends with it`, async () => {
    const said = await withServer((url) => {
      const argv = ["unshare", "--map-root-user", "--mount", "--propagation", "private", process.execPath, NETWORK_PROBE, directory, kind, tool!, url];
      return outputOf(spawnAsUser(directory, argv, { env: process.env, tun: true }));
    });
    // pasta gives the namespace this machine's own address, so this machine's server cannot be asked through it.
    expect(said).toMatch(kind === "pasta" ? /^lo\s+\w+$/ : /^hello\s+lo\s+tap0$/);
    expect(commandLines().filter((line) => line.includes(directory))).toEqual([]);
  });
}

test("a network tool that is not one is given up within seconds", async () => {
  writeFileSync(join(directory, "slirp4netns"), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
  const prefix = IS_ROOT ? ["--mount"] : ["--map-root-user", "--mount"];
  const child = spawn("unshare", [...prefix, "--propagation", "private", process.execPath, NETWORK_PROBE, directory, "slirp4netns", join(directory, "slirp4netns"), ""]);
  expect(await outputOf(child)).toMatch(/cannot start slirp4netns: not ready after 10000 ms$/);
});

/** A server on this machine's own address, which is not on the loopback. */
async function withServer(act: (url: string) => Promise<string>): Promise<string> {
  const server = createServer((socket) => socket.end("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"));
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  try {
    return await act(`http://${SERVER_ADDRESS}:${(server.address() as { port: number }).port}/`);
  } finally {
    server.close();
  }
}

test.runIf(IS_ROOT)("when its parent is killed the worker, the container and everything in it are gone at once", async () => {
  const nap = `3003${process.pid}`;
  const child = spawn(process.execPath, [PROBE, directory, `sleep ${nap} & sleep ${nap}`], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve)); // written once the step is running
  expect(commandLines().some((line) => line.includes(`sleep ${nap}`))).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => commandLines().filter((line) => line.includes(nap) || line.includes(directory)), { timeout: 30_000 }).toEqual([]);
});

test("what unshare says becomes advice", () => {
  expect(enterFailure("unshare: unshare failed: Operation not permitted\n").code).toBe("namespaces-forbidden");
  expect(enterFailure("newuidmap: write to uid_map failed: Operation not permitted\n").code).toBe("no-subordinate-ids");
  expect(enterFailure("Error: Cannot find module\n    at x\n\nNode.js v26\n").message).toBe("cannot start the sandbox worker: Error: Cannot find module");
});

test("a runtime that is not there is named", () => {
  expect(() => findRuntime({ PATH: "/nowhere", LAMINATE_RUNTIME: "no-such-runtime" })).toThrow('the OCI runtime "no-such-runtime" was not found');
  expect(() => findRuntime({ LAMINATE_RUNTIME: "crun" }, "./relative")).toThrow('"./relative" was not found');
});

test.runIf(existsSync("/usr/bin/crun"))("the flag goes before the environment", () => {
  expect(findRuntime({ LAMINATE_RUNTIME: "runc" }, "crun")).toEqual({ path: "/usr/bin/crun", kind: "crun" });
});

test("a network tool that hung is remembered for a day", () => {
  let now = 1e12;
  const memory = new NetworkMemory(directory, () => now);
  const tool = { path: "/usr/bin/pasta" };
  expect(memory.hung(tool)).toBe(false);
  memory.noteHung(tool);
  expect(memory.hung(tool)).toBe(true);
  expect(memory.hung({ path: "/usr/bin/slirp4netns" })).toBe(false);
  now += 86_400_001;
  expect(memory.hung(tool)).toBe(false);
  writeFileSync(join(directory, "network-tools.json"), "rubbish");
  expect(memory.hung(tool)).toBe(false);
});
