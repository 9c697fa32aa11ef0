import { createRequire } from "node:module";

/** What the kernel tells of processes: started (not threads), has another program now, ended. */
export interface ProcessEvent {
  readonly kind: "fork" | "exec" | "exit";
  readonly pid: number;
  /** Of a fork. */
  readonly parent: number;
}

export interface ProcessEvents extends Disposable {
  /** All that happened since the last call, in order. */
  drain(): ProcessEvent[];
}

const AF_NETLINK = 16;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const NETLINK_CONNECTOR = 11;
const CN_PROC = 1;
const LISTEN = 1;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const HEADER = 16 + 20;
const KINDS: Readonly<Record<number, ProcessEvent["kind"]>> = { 1: "fork", 2: "exec", 0x8000_0000: "exit" };

/**
 * Listens to the kernel's process events (linux/cn_proc.h), which count each process exactly and cost those it watches nothing.
 * Throws where this is not root of the machine, or the kernel has no CONFIG_PROC_EVENTS.
 */
export function openProcessEvents(): ProcessEvents {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const libc = koffi.load("libc.so.6");
  const bind = libc.func("int bind(int, const uint8_t *address, unsigned int length)");
  const receive = libc.func("intptr_t recv(int, _Out_ uint8_t *buffer, size_t length, int flags)");
  const socket: number = libc.func("int socket(int, int, int)")(AF_NETLINK, SOCK_DGRAM_NONBLOCK, NETLINK_CONNECTOR);
  const address = words(AF_NETLINK, 0, CN_PROC);
  const listen = Buffer.concat([words(HEADER + 4, 3, 0, 0), words(CN_PROC, 1, 0, 0, 4), words(LISTEN)]); // type NLMSG_DONE; nlmsghdr, cn_msg, operation
  libc.func("int setsockopt(int, int, int, const uint8_t *value, unsigned int length)")(socket, SOL_SOCKET, SO_RCVBUFFORCE, words(32 << 20), 4);
  if (socket < 0 || bind(socket, address, 12) < 0 || libc.func("intptr_t send(int, const uint8_t *, size_t, int)")(socket, listen, listen.length, 0) < 0) {
    throw new Error("listen to process events: refused by the kernel; this needs root of the machine itself and CONFIG_PROC_EVENTS");
  }
  const buffer = Buffer.alloc(4096);
  return {
    drain() {
      const events: ProcessEvent[] = [];
      while (receive(socket, buffer, buffer.length, 0) > 0) events.push(...decode(buffer));
      return events;
    },
    [Symbol.dispose]: () => void libc.func("int close(int)")(socket),
  };
}

/** The event in a message; none for a thread's. */
function decode(message: Buffer): ProcessEvent[] {
  const kind = KINDS[message.readUInt32LE(HEADER)];
  const [first, second, third, fourth] = [0, 4, 8, 12].map((offset) => message.readUInt32LE(HEADER + 16 + offset)) as [number, number, number, number];
  if (kind === "fork") return third === fourth ? [{ kind, pid: fourth, parent: second }] : [];
  return kind !== undefined && first === second ? [{ kind, pid: second, parent: 0 }] : [];
}

function words(...numbers: number[]): Buffer {
  const buffer = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, index) => buffer.writeUInt32LE(number, index * 4));
  return buffer;
}
