import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeNamespaceFile, removeNamespaceFile } from "./namespace-file.ts";
import type { NetworkRequest, PortMapping, PrivateNetwork } from "./network.ts";
import { freePorts } from "./reserve-ports.ts";
import { untilReady } from "./tool-process.ts";

/**
 * A network by pasta: as slirp4netns, but the container has this machine's address. It goes to the background when it is
 * ready, and ends by itself when its namespace does.
 */
export async function openPasta(tool: string, { directory, env, ports: wanted }: NetworkRequest): Promise<PrivateNetwork> {
  const ports = await freePorts(wanted);
  const path = makeNamespaceFile(directory, env);
  const logPath = join(directory, "pasta.log");
  const log = openSync(logPath, "w");
  const pidFile = join(directory, "pasta.pid");
  const closed = ["-T", "none", "-U", "none", "--no-map-gw"];
  const child = spawn(tool, ["--config-net", "--quiet", "--runas", "0", ...published(ports), ...closed, "-P", pidFile, "--netns", path], { stdio: ["ignore", "ignore", log], detached: true });
  closeSync(log);
  try {
    await untilReady(child, { tool: "pasta", log: logPath });
  } catch (error) {
    removeNamespaceFile(path);
    throw error;
  }
  const pid = Number(readFileSync(pidFile, "utf8").trim());
  const end = async () => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
    removeNamespaceFile(path);
  };
  return { kind: "pasta", path, nameservers: [], ports, held: [], helper: pid, [Symbol.asyncDispose]: end };
}

/** passt(1), -t and -u: `ADDRESS/HOST:CONTAINER`. */
function published(ports: readonly PortMapping[]): string[] {
  return (["tcp", "udp"] as const).flatMap((protocol) => {
    const specs = ports.filter((port) => port.protocol === protocol).map(({ hostIp, hostPort, containerPort }) => `${hostIp === "" ? "" : `${hostIp}/`}${hostPort}:${containerPort}`);
    const flag = protocol === "tcp" ? "-t" : "-u";
    return specs.length === 0 ? [flag, "none"] : specs.flatMap((spec) => [flag, spec]);
  });
}
