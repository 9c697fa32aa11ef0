import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";

const SIZE = 256 << 20;
/** Requests and bytes a second: a disk that turns, or a cheap one over a network. */
const [REQUESTS, BYTES] = [200, 50 << 20];
/** The root group's files limit what the processes in it do, which all builders are (Documentation/admin-guide/cgroup-v1/blkio-controller.rst). */
const THROTTLE = "/sys/fs/cgroup/blkio/blkio.throttle";

/** A file system in a file behind a loop device whose reads the kernel slows down. Mounting it anew empties what memory has of it. */
export class SlowDisk implements Disposable {
  readonly #device: string;
  readonly #place: string;
  #mountedIn: readonly string[] | undefined;

  private constructor(device: string, place: string) {
    [this.#device, this.#place] = [device, place];
  }

  /** `fill` writes what is on it, which later calls with the same image find there; `place` is where it is mounted. */
  static make(image: string, place: string, fill: (root: string) => void): SlowDisk {
    if (!existsSync(`${THROTTLE}.read_iops_device`)) throw new Error("slow a disk down: this needs the blkio controller of cgroup v1; leave the case out with --only");
    const fresh = !existsSync(image);
    if (fresh) {
      writeFileSync(image, "");
      truncateSync(image, SIZE);
      execFileSync("mkfs.ext4", ["-q", "-O", "^has_journal", image]);
    }
    const disk = new SlowDisk(execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim(), place);
    try {
      if (fresh) {
        disk.change((root) => {
          rmdirSync(path.join(root, "lost+found")); // nobody but root can read it
          fill(root);
        });
      }
      disk.#limit(REQUESTS, BYTES);
    } catch (error) {
      disk[Symbol.dispose]();
      rmSync(image, { force: true });
      throw error;
    }
    return disk;
  }

  /** Mounts it, with nothing of it in memory, where `namespace` leads to. */
  mount(namespace: readonly string[]): void {
    this.#unmount();
    this.#run(namespace, "mount", "-o", "ro", this.#device, this.#place);
    this.#mountedIn = namespace;
  }

  /** Lets something write on it. */
  change(write: (root: string) => void): void {
    this.#unmount();
    this.#run([], "mount", this.#device, this.#place);
    this.#mountedIn = [];
    write(this.#place);
    this.#unmount();
  }

  [Symbol.dispose](): void {
    this.#unmount();
    this.#limit(0, 0);
    this.#run([], "losetup", "--detach", this.#device);
  }

  /** A process that was given a copy of all mounts meanwhile keeps the file system, and what memory has of it, for a while. */
  #unmount(): void {
    if (this.#mountedIn === undefined) return;
    this.#run(this.#mountedIn, "umount", this.#place);
    this.#mountedIn = undefined;
    for (let tries = 0; existsSync(`/sys/fs/ext4/${path.basename(this.#device)}`); tries += 1) {
      if (tries > 300) throw new Error(`unmount ${this.#device}: another mount namespace holds it`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }

  #limit(requests: number, bytes: number): void {
    const { rdev } = statSync(this.#device);
    const device = `${(rdev >> 8) & 0xfff}:${rdev & 0xff}`;
    writeFileSync(`${THROTTLE}.read_iops_device`, `${device} ${requests}`);
    writeFileSync(`${THROTTLE}.read_bps_device`, `${device} ${bytes}`);
  }

  #run(namespace: readonly string[], ...argv: readonly string[]): void {
    const [command, ...args] = [...namespace, ...argv];
    const { status, stderr } = spawnSync(command!, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`run ${argv.join(" ")}: ${stderr}`);
  }
}
