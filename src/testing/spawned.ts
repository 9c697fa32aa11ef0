import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Ran } from "./images.ts";

/** The built command in this checkout. */
export const BIN = join(import.meta.dirname, "..", "..", "bin", "laminate");

/** A command that runs as a process of its own. */
export interface Running {
  readonly child: ChildProcess;
  /** What it printed and how it ended; 128 and the signal's number where it died of one, as a shell says. */
  readonly ended: Promise<Ran>;
}

/** Starts the built command. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(BIN, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise<Ran>((resolve) => child.once("close", (code, signal) => resolve({ code: code ?? (signal === "SIGINT" ? 130 : 137), out, err })));
  return { child, ended };
}

/** The processes that work on a store: named after it, started with it, or with a mount of it in sight. */
export function processesOf(root: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const about = ["cmdline", "environ", "mountinfo"].map((file) => readProc(`/proc/${pid}/${file}`));
    return about.some((text) => text.includes(root)) ? [`${pid} ${about[0]!.replaceAll("\0", " ").slice(0, 200)}`] : [];
  });
}

/** A file of /proc, whose process may be gone. */
export function readProc(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
