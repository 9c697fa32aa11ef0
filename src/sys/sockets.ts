import { isIPv6 } from "node:net";
import { closeSync } from "node:fs";
import { lazyCalls, systemError } from "./libc.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** A port of this machine that is ours until `file` is closed. */
export interface BoundPort {
  readonly file: number;
  readonly port: number;
}

interface Calls {
  socket(family: number, type: number, protocol: number): number;
  bind(file: number, address: Buffer, size: number): number;
  listen(file: number, backlog: number): number;
  setsockopt(file: number, level: number, name: number, value: Buffer, size: number): number;
  getsockname(file: number, address: Buffer, size: Buffer): number;
}

const calls = lazyCalls((library): Calls => ({
  socket: library.func("int socket(int family, int type, int protocol)"),
  bind: library.func("int bind(int file, const uint8_t *address, uint32_t size)"),
  listen: library.func("int listen(int file, int backlog)"),
  setsockopt: library.func("int setsockopt(int file, int level, int name, const uint8_t *value, uint32_t size)"),
  getsockname: library.func("int getsockname(int file, _Out_ uint8_t *address, _Inout_ uint8_t *size)"),
}));

/**
 * Takes a port, so that no other program can: bind(2), and for tcp listen(2), as two sockets that may reuse addresses
 * can share one until one of them listens. Port 0 is any free one. Throws an Error with `code` (EADDRINUSE, EACCES, EADDRNOTAVAIL).
 * Node gives no way to hand a udp socket on to another process, hence the calls.
 */
export function bindPort({ address, port, protocol }: { readonly address: string; readonly port: number; readonly protocol: "tcp" | "udp" }): BoundPort {
  const family = isIPv6(address) ? AF_INET6 : AF_INET;
  const file = calls().socket(family, (protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (file < 0) throw systemError("socket", protocol);
  const check = (result: number, call: string): void => {
    if (result !== 0) throw systemError(call, `${address}:${port}`);
  };
  try {
    if (family === AF_INET6) check(calls().setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, integer(1), 4), "setsockopt");
    if (protocol === "tcp") check(calls().setsockopt(file, SOL_SOCKET, SO_REUSEADDR, integer(1), 4), "setsockopt");
    const name = socketAddress(family, address, port);
    check(calls().bind(file, name, name.length), "bind");
    if (protocol === "tcp") check(calls().listen(file, 1), "listen");
    const found = Buffer.alloc(28);
    check(calls().getsockname(file, found, integer(found.length)), "getsockname");
    return { file, port: found.readUInt16BE(2) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** sockaddr_in (ip(7)) or sockaddr_in6 (ipv6(7)): family in the machine's byte order, port and address in the network's. */
function socketAddress(family: number, address: string, port: number): Buffer {
  const bytes = Buffer.alloc(family === AF_INET ? 16 : 28);
  bytes.writeUInt16LE(family, 0);
  bytes.writeUInt16BE(port, 2);
  if (family === AF_INET) address.split(".").forEach((part, at) => bytes.writeUInt8(Number(part), 4 + at));
  else ipv6Groups(address).forEach((group, at) => bytes.writeUInt16BE(group, 8 + 2 * at));
  return bytes;
}

function ipv6Groups(address: string): number[] {
  const groupsOf = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [before, after] = [groupsOf(head), groupsOf(tail ?? "")];
  return tail === undefined ? before : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
