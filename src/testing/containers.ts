import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { BUSYBOX } from "./builds.ts";
import type { Ran } from "./images.ts";
import { spawnAsUser } from "./sandbox/as-user.ts";
import type { Machine } from "./sandbox/machine-network.ts";

const BIN = path.join(import.meta.dirname, "..", "..", "bin", "laminate");
const APPLETS = ["sh", "cat", "dd", "echo", "env", "false", "grep", "head", "id", "kill", "ls", "md5sum", "mount", "nproc", "ps", "pwd", "readlink", "sleep", "stat", "stty", "tail", "test", "touch", "true", "ulimit", "wc", "yes"];

/** Whether containers can be run here at all. */
export const CONTAINERS = BUSYBOX !== undefined && existsSync("/usr/bin/conmon") && existsSync("/usr/sbin/runc");

export type Who = "root" | "an ordinary user";

/** Who can be tested as: an ordinary user is made by root. */
export const EVERYONE: readonly Who[] = process.geteuid?.() === 0 ? ["root", "an ordinary user"] : ["root"];

/** What is not as everywhere. */
export interface Surroundings {
  /** The ordinary user may open /dev/net/tun. */
  readonly tun?: boolean;
  /** Commands that the ordinary user's machine has not. */
  readonly without?: readonly string[];
  /** Root's commands are typed on this machine. */
  readonly machine?: Machine;
}

/** The built command, typed by root or by an ordinary user into a store of their own that holds an image `busybox`. */
export class ContainerRig implements AsyncDisposable {
  readonly directory = mkdtempSync(path.join(tmpdir(), "laminate-containers-"));
  readonly root = path.join(this.directory, "store");
  readonly #who: Who;
  readonly #how: Surroundings;
  #count = 0;

  constructor(who: Who, how: Surroundings = {}) {
    this.#who = who;
    this.#how = how;
  }

  /** Makes the image `busybox`. */
  async prepare(): Promise<void> {
    const root = path.join(this.directory, "busybox");
    for (const name of ["bin", "etc", "tmp", "data"]) mkdirSync(path.join(root, name), { recursive: true });
    chmodSync(path.join(root, "tmp"), 0o1777);
    copyFileSync(BUSYBOX!, path.join(root, "bin/busybox"));
    for (const name of APPLETS) symlinkSync("busybox", path.join(root, "bin", name));
    writeFileSync(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/srv:/bin/sh\n");
    writeFileSync(path.join(root, "etc/group"), "root:x:0:\nweb:x:102:\nstaff:x:50:web\n");
    spawnSync("tar", ["-C", root, "--owner=0", "--group=0", "-cf", `${root}.tar`, "."]);
    await this.ok("import", "-c", "ENV PATH=/bin", `${root}.tar`, "busybox");
  }

  /** Starts the command; its streams are pipes. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const { XDG_RUNTIME_DIR: _runtime, XDG_DATA_HOME: _data, ...inherited } = process.env;
    const options = { env: { ...inherited, HOME: this.directory, LAMINATE_ROOT: this.root, ...env } };
    const { tun = false, without = [] } = this.#how;
    if (this.#who !== "root") return spawnAsUser(this.directory, [BIN, ...args], { ...options, stdin: true, tun, without });
    const [command, ...words] = [...(this.#how.machine?.place ?? []), BIN, ...args];
    return spawn(command!, words, { ...options, cwd: this.directory, stdio: ["pipe", "pipe", "pipe"] });
  }

  /** Starts another command where ours are typed by root. */
  onMachine(argv: readonly string[]): ChildProcess {
    const [command, ...words] = [...(this.#how.machine?.place ?? []), ...argv];
    return spawn(command!, words, { stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Types a command and waits for its end. */
  async laminate(...args: readonly string[]): Promise<Ran> {
    const child = this.start(args);
    child.stdin?.end();
    return await ending(child);
  }

  /** As {@link laminate}, and it must succeed; gives what it printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.laminate(...args);
    expect({ args, code, ...(code === 0 ? {} : { err }) }).toEqual({ args, code: 0 });
    return out;
  }

  /** A name that no other container of this rig has. */
  name(): string {
    return `c${process.pid}-${(this.#count += 1)}`;
  }

  /** A container in the background without a network; gives its name. */
  async started(...args: readonly string[]): Promise<string> {
    const name = this.name();
    expect(await this.ok("run", "-d", "--network", "none", "--name", name, ...args)).toMatch(/^[0-9a-f]{64}\n$/);
    return name;
  }

  /** What `inspect` says by a template. */
  async inspect(name: string, format: string): Promise<string> {
    return (await this.ok("inspect", "--type", "container", "-f", format, name)).trim();
  }

  /** The processes of a container's last start. */
  async processes(name: string): Promise<{ readonly monitor: number; readonly init: number }> {
    const id = await this.inspect(name, "{{.Id}}");
    const { monitor, init } = JSON.parse(readFileSync(path.join(this.root, "containers", id, "run.json"), "utf8")) as { monitor: { pid: number }; init: { pid: number } };
    return { monitor: monitor.pid, init: init.pid };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ids = (await this.laminate("ps", "-aq")).out.split("\n").filter(Boolean);
    if (ids.length > 0) await this.laminate("rm", "-f", ...ids);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What a started command printed and how it ended. */
export async function ending(child: ChildProcess): Promise<Ran> {
  const [out, err] = [child.stdout!, child.stderr!].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString("latin1");
  });
  const code = await new Promise<number>((resolve, reject) => child.once("error", reject).once("close", (status, signal) => resolve(status ?? (signal === "SIGKILL" ? 137 : 1))));
  return { code, out: out!(), err: err!() };
}
