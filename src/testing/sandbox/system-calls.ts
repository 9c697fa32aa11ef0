import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SandboxRig } from "./rig.ts";

const [EPERM, ENOSYS] = [1, 38];
const SIGCHLD = 17;
const CLONE_NEWUSER = 0x1000_0000;
const [AF_UNIX, AF_VSOCK, SOCK_STREAM] = [1, 40, 1];

/** name → number on x86-64, arguments, and the error that the filter gives; 0: the kernel is asked, and grants it. */
const CALLS: Readonly<Record<string, readonly [number: number, args: readonly number[], error: number]>> = {
  "keyctl": [250, [0, 0], EPERM],
  "add_key": [248, [], EPERM],
  "mount": [165, [], EPERM],
  "fsopen": [430, [], EPERM],
  "bpf": [321, [], EPERM],
  "io_uring_setup": [425, [1], EPERM],
  "kexec_load": [246, [], EPERM],
  "unshare a user namespace": [272, [CLONE_NEWUSER], EPERM],
  "clone into a user namespace": [56, [CLONE_NEWUSER | SIGCHLD], EPERM],
  "clone": [56, [SIGCHLD], 0],
  "clone3": [435, [], ENOSYS],
  "a call that no kernel has yet": [1000, [], ENOSYS],
  "ask for the personality": [135, [0xffff_ffff], 0],
  "take Linux's personality": [135, [0], 0],
  "be traced": [101, [0], 0],
  "a Unix socket": [41, [AF_UNIX, SOCK_STREAM], 0],
  "a socket to the virtual machine's host": [41, [AF_VSOCK, SOCK_STREAM], EPERM],
};

/** Makes each call in a container, from programs of a few bytes. Only x86-64 has such programs here. */
export async function checkSystemCalls(rig: SandboxRig): Promise<void> {
  if (process.arch !== "x64") return;
  const programs = Object.values(CALLS).map(([number, args]) => callProgram(number, args));
  const layer = await rig.layer({}, (tree) => {
    mkdirSync(join(tree, "calls"));
    programs.forEach((program, index) => writeFileSync(join(tree, "calls", `${index}`), program, { mode: 0o755 }));
  });
  const ran = await rig.run(`for call in $(seq 0 ${programs.length - 1}); do /calls/$call; echo $?; done`, { lowers: [layer, await rig.base()] });
  const errors = ran.stdout.trim().split("\n").map(Number);
  const expected = Object.fromEntries(Object.entries(CALLS).map(([name, [, , error]]) => [name, error]));
  assert.deepEqual(Object.fromEntries(Object.keys(CALLS).map((name, index) => [name, errors[index]])), expected);
}

/** An executable for x86-64 that makes one system call and exits with its error number, 0 for none. */
function callProgram(number: number, args: readonly number[]): Buffer {
  const [first = 0, second = 0, third = 0] = args;
  const code = Buffer.concat([
    Buffer.from([0xb8]), word(number), // mov eax, number
    Buffer.from([0xbf]), word(first), // mov edi, …
    Buffer.from([0xbe]), word(second), // mov esi, …
    Buffer.from([0xba]), word(third), // mov edx, …
    Buffer.from([0x4d, 0x31, 0xd2, 0x4d, 0x31, 0xc0, 0x0f, 0x05]), // xor r10, r10; xor r8, r8; syscall
    Buffer.from([0x85, 0xc0, 0x78, 0x02, 0x31, 0xc0]), // test eax, eax; js over; xor eax, eax
    Buffer.from([0xf7, 0xd8, 0x89, 0xc7, 0xb8]), word(60), Buffer.from([0x0f, 0x05]), // over: neg eax; mov edi, eax; exit
  ]);
  const [address, headers] = [0x40_0000n, 64 + 56];
  const header = Buffer.alloc(headers); // elf(5): Elf64_Ehdr, Elf64_Phdr
  header.write("\x7fELF\x02\x01\x01", "latin1");
  [2, 62].forEach((half, index) => header.writeUInt16LE(half, 16 + index * 2)); // ET_EXEC, EM_X86_64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(address + BigInt(headers), 24); // entry
  header.writeBigUInt64LE(64n, 32); // the program header follows
  [64, 56, 1].forEach((half, index) => header.writeUInt16LE(half, 52 + index * 2));
  [1, 5].forEach((whole, index) => header.writeUInt32LE(whole, 64 + index * 4)); // PT_LOAD, readable and executable
  [0n, address, address, BigInt(headers + code.length), BigInt(headers + code.length), 4096n].forEach((long, index) => header.writeBigUInt64LE(long, 72 + index * 8));
  return Buffer.concat([header, code]);
}

function word(number: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(number >>> 0);
  return buffer;
}
