import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { ProcessEvents } from "./process-events.ts";
import { ProcessTree, statFields, withDescendants } from "./process-tree.ts";

/** What one command cost, daemons it works through included. */
export interface Measurement {
  readonly seconds: number;
  /** Of processors, user and system. */
  readonly cpuSeconds: number;
  /** The highest sum over all processes at a moment, in bytes, and what the daemons held before. */
  readonly peakMemory: number;
  readonly idleMemory: number;
  /** Bytes of read and write calls, whatever they went to. */
  readonly read: number;
  readonly written: number;
  /** Bytes of files that had to be fetched from, and will have to go to, the disk. */
  readonly diskRead: number;
  readonly diskWritten: number;
  /** Processes started. */
  readonly processes: number;
}

/** How often the memory is looked at; in milliseconds. */
const INTERVAL = 8;
/** The unit of times in /proc/PID/stat: a hundredth of a second on every Linux machine of today. */
const TICKS = 100;

/** bash tells the time without another process; a waited child's counters are added to its own. */
const WRAPPER = `start=$EPOCHREALTIME; "$@" >/dev/null; status=$?; end=$EPOCHREALTIME
{ echo "$start $end"; read -r line </proc/$$/stat; echo "$line"; while read -r line; do echo "$line"; done </proc/$$/io; } >&3; exit $status`;

export interface Watch {
  readonly events: ProcessEvents;
  /** Ends the command, and so the measurement. */
  readonly signal: AbortSignal;
  /** Processes that work for the command. */
  readonly daemons: readonly number[];
  /** What starts the command, untimed. */
  readonly prefix: readonly string[];
}

/** Runs a command to its end and measures it. Throws with the command's last words if it fails. */
export async function measure(argv: readonly string[], { events, signal, daemons, prefix }: Watch): Promise<Measurement> {
  signal.throwIfAborted();
  const helpers = withDescendants(daemons);
  const tree = new ProcessTree(events, helpers);
  tree.follow(0);
  tree.started = 0;
  const idleMemory = tree.anonymous(0);
  const before = sum(helpers.map(countersOf));

  const [command, ...rest] = [...prefix, "bash", "-c", WRAPPER, "bash", ...argv];
  const child = spawn(command!, rest, { stdio: ["ignore", "ignore", "pipe", "pipe"], detached: true }); // a process group of its own
  const terminate = () => process.kill(-child.pid!, "SIGTERM");
  signal.addEventListener("abort", terminate);
  tree.add([child.pid!]);
  let peakMemory = idleMemory;
  const look = () => {
    const now = performance.now();
    tree.follow(now);
    peakMemory = Math.max(peakMemory, tree.anonymous(now));
  };
  const timer = setInterval(look, INTERVAL);
  const [errors, report, status] = await Promise.all([
    text(child.stderr!),
    text(child.stdio[3] as Readable),
    new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve)),
  ]).finally(() => {
    clearInterval(timer);
    signal.removeEventListener("abort", terminate);
  });
  signal.throwIfAborted();
  look();
  if (status !== 0) throw new Error(`run ${argv.join(" ")}: it ended with ${status}: ${errors.slice(-2000)}`);

  const [times = "", stat = "", ...io] = report.split("\n");
  const [start, end] = times.split(" ").map(Number) as [number, number];
  const [own, after] = [parseCounters(stat.replace(/^.*\) /, "").split(" "), io.join("\n")), sum(tree.alive.map(countersOf))];
  const counters = sum([own, after, scale(before, -1)]);
  return { seconds: end - start, peakMemory, idleMemory, processes: tree.started, ...counters };
}

/** One after the other, as one. */
export function together(measurements: readonly Measurement[]): Measurement {
  const add = (key: keyof Measurement) => measurements.reduce((total, one) => total + one[key], 0);
  const most = (key: keyof Measurement) => Math.max(...measurements.map((one) => one[key]));
  return {
    seconds: add("seconds"), cpuSeconds: add("cpuSeconds"), peakMemory: most("peakMemory"), idleMemory: most("idleMemory"),
    read: add("read"), written: add("written"), diskRead: add("diskRead"), diskWritten: add("diskWritten"), processes: add("processes"),
  };
}

type Counters = Pick<Measurement, "cpuSeconds" | "read" | "written" | "diskRead" | "diskWritten">;

function countersOf(pid: number): Counters {
  try {
    return parseCounters(statFields(pid), readFileSync(`/proc/${pid}/io`, "latin1"));
  } catch {
    return parseCounters([], ""); // it has ended; whoever waited for it has its counters
  }
}

/** From /proc/PID/stat's fields 14 to 17 and /proc/PID/io (proc(5)); a process's include those of the children it waited for. */
function parseCounters(stat: readonly string[], io: string): Counters {
  const of = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(io)?.[1] ?? 0);
  return {
    cpuSeconds: stat.slice(11, 15).reduce((total, ticks) => total + Number(ticks), 0) / TICKS,
    read: of("rchar"),
    written: of("wchar"),
    diskRead: of("read_bytes"),
    diskWritten: of("write_bytes") - of("cancelled_write_bytes"),
  };
}

function sum(all: readonly Counters[]): Counters {
  const add = (key: keyof Counters) => all.reduce((total, one) => total + one[key], 0);
  return { cpuSeconds: add("cpuSeconds"), read: add("read"), written: add("written"), diskRead: add("diskRead"), diskWritten: add("diskWritten") };
}

function scale(counters: Counters, factor: number): Counters {
  const { cpuSeconds, read, written, diskRead, diskWritten } = counters;
  return { cpuSeconds: cpuSeconds * factor, read: read * factor, written: written * factor, diskRead: diskRead * factor, diskWritten: diskWritten * factor };
}
