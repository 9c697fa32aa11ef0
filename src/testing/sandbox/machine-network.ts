import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/*
 * A machine with an outside world, for what would change this machine's network: a process started by
 * `spawnOnMachine` has a network and a mount namespace of its own; `up0` there (203.0.113.1) leads to `outside` (203.0.113.2).
 */

export const OUTSIDE = "203.0.113.2";
export const MACHINE = "203.0.113.1";

/** Prepares the machine; then `argv` is started on it. */
const PREPARE = `
  mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run && ip link set lo up &&
  ip netns add outside && ip link add up0 type veth peer name eth0 netns outside &&
  ip addr add ${MACHINE}/24 dev up0 && ip link set up0 up &&
  ip -n outside addr add ${OUTSIDE}/24 dev eth0 && ip -n outside link set lo up && ip -n outside link set eth0 up &&
  exec "$@"`;

export function spawnOnMachine(argv: readonly string[]): ChildProcess {
  return spawn("unshare", ["--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", PREPARE, "sh", ...argv], { stdio: ["ignore", "pipe", "pipe"] });
}

/** What a process on the machine tells of, one JSON value at its end. */
export async function toldOnMachine<T>(script: string, args: readonly string[]): Promise<T> {
  const child = spawnOnMachine([process.execPath, script, ...args]);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name]!.setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${texts.stdout}${texts.stderr}`);
  return JSON.parse(texts.stdout) as T;
}

/** `ip netns exec outside`, `nsenter --net=…`: where a command runs. */
export type Place = readonly string[];

export const ON_MACHINE: Place = [];
export const IN_OUTSIDE: Place = ["ip", "netns", "exec", "outside"];

export function inside(path: string): Place {
  return ["nsenter", `--net=${path}`, "--"];
}

/** A server that tells its name and who asks; ends with us. */
export async function serve(place: Place, name: string, { port, host = "0.0.0.0", protocol = "tcp" }: { readonly port: number; readonly host?: string; readonly protocol?: "tcp" | "udp" }): Promise<ChildProcess> {
  const tcp = `require("net").createServer((s) => { s.on("error", () => {}); s.end("${name} asked by " + s.remoteAddress); }).listen(${port}, "${host}", () => console.log("up"))`;
  const udp = `const s = require("dgram").createSocket("udp4"); s.on("message", (m, r) => s.send("${name} asked by " + r.address, r.port, r.address)); s.bind(${port}, "${host}", () => console.log("up"))`;
  const [command, ...args] = [...place, process.execPath, "-e", protocol === "tcp" ? tcp : udp];
  const server = spawn(command!, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(server.stdout, "data");
  return server;
}

/** What the server at an address says, or the error's code. */
export function ask(place: Place, host: string, port: number, protocol: "tcp" | "udp" = "tcp"): string {
  const tcp = `const s = require("net").connect(${port}, "${host}"); let t = ""; s.on("data", (d) => t += d).on("end", () => { console.log(t); process.exit(); }).on("error", (e) => { console.log(e.code); process.exit(); })`;
  const udp = `const s = require("dgram").createSocket("udp4"); s.on("message", (m) => { console.log(String(m)); process.exit(); }); s.send("?", ${port}, "${host}")`;
  const script = `setTimeout(() => { console.log("no answer"); process.exit(); }, 1500); ${protocol === "tcp" ? tcp : udp}`;
  const [command, ...args] = [...place, process.execPath, "-e", script];
  return spawnSync(command!, args, { encoding: "utf8", timeout: 10_000 }).stdout.trim();
}

/** What containers leave on a machine's network: devices, rules, forwarding. */
export function traces(): { readonly devices: string[]; readonly rules: string[]; readonly forwarding: string } {
  return {
    devices: [...readFileSync("/proc/net/dev", "latin1").matchAll(/^\s*(lam\d+):/gm)].map(([, name]) => name!),
    rules: spawnSync("iptables-save", { encoding: "utf8" }).stdout.split("\n").filter((line) => line.includes("laminate")),
    forwarding: readFileSync("/proc/sys/net/ipv4/ip_forward", "latin1").trim(),
  };
}
