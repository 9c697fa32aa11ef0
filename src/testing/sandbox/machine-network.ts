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
  const timer = setTimeout(() => child.kill("SIGKILL"), 110_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${texts.stdout}${texts.stderr}`);
  return JSON.parse(texts.stdout) as T;
}

/** A machine that stays until it is disposed of, for commands one after another. Everything that still runs on it ends then. */
export class Machine implements AsyncDisposable {
  /** For commands that are to run there. */
  readonly place: Place;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.place = ["nsenter", "--target", `${pid}`, "--net", "--mount", "--pid", "--"];
  }

  /** `without` are commands that this machine has not. */
  static async start(without: readonly string[] = []): Promise<Machine> {
    const hide = 'for path; do [ ! -e "$path" ] || mount --bind /dev/null "$path"; done; echo ready; exec sleep 1000';
    const child = spawnOnMachine(["sh", "-c", hide, "sh", ...without]);
    await once(child.stdout!, "data");
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1").trim().split(" ");
    return new Machine(child, Number(first));
  }

  get outside(): Place {
    return [...this.place, ...IN_OUTSIDE];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGKILL"); // and so its process 1, and with that every other
    await ended;
  }
}

/** `ip netns exec outside`, `nsenter --net=…`: where a command runs. */
export type Place = readonly string[];

export const ON_MACHINE: Place = [];
export const IN_OUTSIDE: Place = ["ip", "netns", "exec", "outside"];

export function inside(path: string): Place {
  return ["nsenter", `--net=${path}`, "--"];
}

/** A server that tells its name and who asks; at any port for 0. */
export async function serve(place: Place, name: string, { port, host = "0.0.0.0", protocol = "tcp" }: { readonly port: number; readonly host?: string; readonly protocol?: "tcp" | "udp" }): Promise<ChildProcess & { readonly servedPort: number }> {
  const tcp = `require("net").createServer((s) => { s.on("error", () => {}); s.end("${name} asked by " + s.remoteAddress); }).listen(${port}, "${host}", function () { console.log(this.address().port); })`;
  const udp = `const s = require("dgram").createSocket("udp4"); s.on("message", (m, r) => s.send("${name} asked by " + r.address, r.port, r.address)); s.bind(${port}, "${host}", () => console.log(s.address().port))`;
  const [command, ...args] = [...place, process.execPath, "-e", protocol === "tcp" ? tcp : udp];
  const server = spawn(command!, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(server.stdout, "data")) as [Buffer];
  return Object.assign(server, { servedPort: Number(said.toString()) });
}

/** What the server at an address says, or the error's code; "no answer" after some milliseconds, which are few only where none is expected. */
export function ask(place: Place, host: string, port: number, protocol: "tcp" | "udp" | "http" = "tcp", patience = 20_000): string {
  const tcp = `const s = require("net").connect(${port}, "${host}", () => ${protocol === "http" ? 's.write("GET / HTTP/1.0\\r\\n\\r\\n")' : "0"}); let t = ""; s.on("data", (d) => t += d).on("end", () => { console.log(t); process.exit(); }).on("error", (e) => { console.log(e.code); process.exit(); })`;
  const udp = `const s = require("dgram").createSocket("udp4"); s.on("message", (m) => { console.log(String(m)); process.exit(); }); s.send("?", ${port}, "${host}")`;
  const script = `setTimeout(() => { console.log("no answer"); process.exit(); }, ${patience}); ${protocol === "udp" ? udp : tcp}`;
  const [command, ...args] = [...place, process.execPath, "-e", script];
  return spawnSync(command!, args, { encoding: "utf8" }).stdout.trim();
}

/** What containers leave on a machine's network: devices, rules, forwarding. */
export function traces(place: Place = ON_MACHINE): { readonly devices: string[]; readonly rules: string[]; readonly forwarding: string } {
  const [command, ...args] = [...place, "sh", "-c", "cat /proc/net/dev /proc/sys/net/ipv4/ip_forward; iptables-save"];
  const lines = spawnSync(command!, args, { encoding: "utf8" }).stdout.split("\n");
  return {
    devices: lines.flatMap((line) => /^\s*(lam\d+):/.exec(line)?.[1] ?? []),
    rules: lines.filter((line) => line.includes("laminate")),
    forwarding: lines.find((line) => /^[01]$/.test(line)) ?? "",
  };
}
