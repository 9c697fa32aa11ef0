import * as fs from "node:fs";
import { lazyCalls, systemError } from "./libc.ts";

interface Calls {
  fanotify_init(flags: number, eventFlags: number): number;
  fanotify_mark(group: number, flags: number, mask: bigint, directory: number, path: string): number;
}

/** fanotify(7), which tells of files being opened. Root's alone. */
const calls = lazyCalls(
  (library): Calls => ({
    fanotify_init: library.func("int fanotify_init(unsigned int flags, unsigned int event_f_flags)"),
    fanotify_mark: library.func("int fanotify_mark(int group, unsigned int flags, uint64_t mask, int directory, const char *path)"),
  }),
);

/** linux/fanotify.h. */
const FAN = { closeOnExec: 0x1, nonBlocking: 0x2, unlimitedQueue: 0x10, add: 0x1, fileSystem: 0x100, open: 0x20n, onDirectory: 0x4000_0000n } as const;
const AT_FDCWD = -100;
/** struct fanotify_event_metadata. */
const EVENT = { size: 24, fd: 16, pid: 20 } as const;
/** The kernel opens a file for each event that is read. */
const EVENTS_AT_ONCE = 256;

/** A file or directory that was opened. */
export interface Opened {
  /** From the root of whoever opened it. */
  readonly path: string;
  readonly directory: boolean;
}

/** Tells of all files that other processes open on a file system, by whatever mount they see it. */
export class OpenWatch implements Disposable {
  readonly #group: number;
  readonly #buffer = Buffer.alloc(EVENT.size * EVENTS_AT_ONCE);

  /** Throws the Error of the call where the kernel or the rights of this process do not allow it. */
  constructor(mountPoint: string) {
    this.#group = calls().fanotify_init(FAN.closeOnExec | FAN.nonBlocking | FAN.unlimitedQueue, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | O_LARGEFILE | O_CLOEXEC);
    if (this.#group < 0) throw systemError("fanotify_init", mountPoint);
    if (calls().fanotify_mark(this.#group, FAN.add | FAN.fileSystem, FAN.open | FAN.onDirectory, AT_FDCWD, mountPoint) < 0) {
      const error = systemError("fanotify_mark", mountPoint);
      fs.closeSync(this.#group);
      throw error;
    }
  }

  /** What was opened since the last call. A file's name is the one that it has now. */
  *take(): Iterable<Opened> {
    for (let length = this.#read(); length > 0; length = this.#read()) {
      for (let at = 0; at < length; at += this.#buffer.readUInt32LE(at)) {
        const [file, pid] = [this.#buffer.readInt32LE(at + EVENT.fd), this.#buffer.readInt32LE(at + EVENT.pid)];
        if (file < 0) continue;
        const opened = pid === process.pid ? undefined : look(file);
        fs.closeSync(file);
        if (opened !== undefined) yield opened;
      }
    }
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#group);
  }

  #read(): number {
    try {
      return fs.readSync(this.#group, this.#buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
      throw error;
    }
  }
}

const O_LARGEFILE = 0o100000;
const O_CLOEXEC = 0o2000000;

function look(file: number): Opened | undefined {
  const stat = fs.fstatSync(file);
  if (!stat.isFile() && !stat.isDirectory()) return undefined;
  return { path: fs.readlinkSync(`/proc/self/fd/${file}`, { encoding: "buffer" }).toString("latin1"), directory: stat.isDirectory() };
}
