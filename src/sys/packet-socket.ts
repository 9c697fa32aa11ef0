import { closeSync, openSync, read, write } from "node:fs";
import { promisify } from "node:util";
import { errnoOf } from "../base/failure.ts";
import { lazyCalls, systemError } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const PATH_SIZE = 108;
const SHUT = { read: 0, write: 1, both: 2 } as const;

interface Calls {
  socket(family: number, type: number, protocol: number): number;
  connect(file: number, address: Buffer, size: number): number;
  shutdown(file: number, how: number): number;
}

const calls = lazyCalls((library): Calls => ({
  socket: library.func("int socket(int family, int type, int protocol)"),
  connect: library.func("int connect(int file, const uint8_t *address, uint32_t size)"),
  shutdown: library.func("int shutdown(int file, int how)"),
}));

const readFile = promisify(read);
const writeFile = promisify(write);

/** A connected AF_UNIX socket that keeps the bounds of what is written (SOCK_SEQPACKET, unix(7)), which Node's own sockets are not. */
export class PacketSocket {
  readonly #file: number;

  /** Connects to the socket `name` in a directory; the directory's path may be longer than an address can be. */
  constructor(directory: string, name: string) {
    const parent = openSync(directory, "r");
    try {
      const path = Buffer.from(`/proc/self/fd/${parent}/${name}\0`);
      const address = Buffer.alloc(2 + PATH_SIZE);
      address.writeUInt16LE(AF_UNIX, 0);
      path.copy(address, 2);
      this.#file = calls().socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
      if (this.#file < 0) throw systemError("socket", name);
      if (calls().connect(this.#file, address, 2 + path.length) !== 0) {
        const error = systemError("connect", `${directory}/${name}`);
        closeSync(this.#file);
        throw error;
      }
    } finally {
      closeSync(parent);
    }
  }

  /** The next packet, cut to the buffer; 0 when the other side has closed and all was read. */
  async read(buffer: Buffer): Promise<number> {
    for (;;) {
      try {
        return (await readFile(this.#file, buffer, 0, buffer.length, null)).bytesRead;
      } catch (error) {
        // It closed with packets of ours unread, which is said once and before the packets that it left us.
        if (errnoOf(error) !== "ECONNRESET") throw error;
      }
    }
  }

  /** Sends one packet; waits while the other side has no room. */
  async write(packet: Buffer): Promise<void> {
    await writeFile(this.#file, packet, 0, packet.length, null);
  }

  /** Ends one direction or both; who waits in {@link read} gets what is there and then 0, who waits in {@link write} EPIPE. */
  shutdown(how: keyof typeof SHUT): void {
    calls().shutdown(this.#file, SHUT[how]); // fails only when the other side is gone
  }
}
