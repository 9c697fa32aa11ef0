import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { networkInterfaces } from "node:os";
import type { Readable, Duplex } from "node:stream";
import { reasonOf } from "../../base/failure.ts";
import { SandboxError } from "../sandbox-error.ts";
import { makeNamespaceFile, removeNamespaceFile } from "./namespace-file.ts";
import type { NetworkRequest, PortMapping, PrivateNetwork } from "./network.ts";
import { freePorts, portFailure } from "./reserve-ports.ts";
import { untilReady } from "./tool-process.ts";

/** slirp4netns(1): the addresses of its network. */
const ADDRESS = "10.0.2.100";
const NAMESERVER = "10.0.2.3";

/**
 * A network by slirp4netns: traffic goes through a program that speaks to the outside as any program does, so nothing
 * on the host changes. It ends when nobody holds the other end of its exit file any more.
 */
export async function openSlirp(tool: string, { directory, env, ports: wanted }: NetworkRequest): Promise<PrivateNetwork> {
  const path = makeNamespaceFile(directory, env);
  const logPath = join(directory, "slirp.log");
  const log = openSync(logPath, "w");
  const api = wanted.length === 0 ? [] : ["--api-socket", API_SOCKET];
  const child = spawn(tool, ["--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3", "--exit-fd=4", ...api, "--netns-type=path", path, "tap0"], {
    stdio: ["ignore", "ignore", log, "pipe", "pipe"],
    cwd: directory, // a socket's whole path may be longer than the 107 bytes that unix(7) allows
    detached: true, // a Ctrl-C at the terminal is for us to handle
  });
  closeSync(log);
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));
  const exit = child.stdio[4] as Duplex;
  exit.on("error", () => {});
  const end = async () => {
    child.kill("SIGKILL");
    exit.destroy();
    await exited;
    removeNamespaceFile(path);
  };
  try {
    await untilReady(child, { tool: "slirp4netns", log: logPath, ready: child.stdio[3] as Readable });
    const ports = await publish(directory, wanted);
    const gateway = outsideAddress();
    const held = fileOf(exit);
    return { kind: "slirp4netns", path, address: ADDRESS, ...(gateway === undefined ? {} : { gateway }), nameservers: [NAMESERVER], ports, held: [held], helper: child.pid!, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Its own gateway would be our loopback, which is closed; our other address it reaches as anyone does. */
function outsideAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && one.family === "IPv4" && !one.internal)?.address;
}

const API_SOCKET = "slirp.sock";

async function publish(directory: string, wanted: readonly PortMapping[]): Promise<PortMapping[]> {
  const made: PortMapping[] = [];
  for (const mapping of await freePorts(wanted)) {
    await addForward(directory, mapping);
    made.push(mapping);
  }
  return made;
}

/** One request a connection (slirp4netns(1), API socket). Ordinary failures are found before, by {@link freePorts}: its own answer names none. */
async function addForward(directory: string, mapping: PortMapping): Promise<void> {
  const { hostIp, hostPort, containerPort, protocol } = mapping;
  const ask = { execute: "add_hostfwd", arguments: { proto: protocol, host_addr: hostIp || "0.0.0.0", host_port: hostPort, guest_addr: ADDRESS, guest_port: containerPort } };
  const text = await askSocket(directory, JSON.stringify(ask));
  const { error } = JSON.parse(text) as { error?: { desc?: string } };
  if (error !== undefined) throw portFailure(mapping, new Error(error.desc ?? text));
}

function askSocket(directory: string, ask: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const before = process.cwd();
    process.chdir(directory); // synchronous up to the connection's system call
    const socket = connect(API_SOCKET);
    process.chdir(before);
    let text = "";
    socket.setTimeout(10_000, () => socket.destroy(new Error("slirp4netns does not answer")));
    socket.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    socket.once("error", (error) => reject(new SandboxError("network-failed", `cannot publish a port with slirp4netns: ${reasonOf(error)}`, { cause: error })));
    socket.once("end", () => resolve(text));
    socket.once("connect", () => socket.end(ask));
  });
}

/** Node keeps a stream's file to itself; `spawn` takes the number as well. */
function fileOf(stream: Duplex): number {
  return (stream as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}
