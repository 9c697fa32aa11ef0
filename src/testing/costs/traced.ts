import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A command's system calls as strace saw them, in no order between threads. */
export interface Traced {
  /** How often paths below a directory were asked for what they are. */
  looked(below: string): number;
  /** How many files below a directory were opened; directories and what could not be opened do not count. */
  opened(below: string): number;
  /** Bytes read from files whose path fits. */
  read(file: RegExp): number;
  written(file: RegExp): number;
  /** The names of the programs started, sorted. */
  readonly programs: readonly string[];
}

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
}

/** An endless wait is no count, and each call watched costs time. */
const WATCHED = ["execve", "openat", "statx", "newfstatat", "read", "pread64", "readv", "preadv", "preadv2", "write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile"];

/**
 * Runs a command to its end under strace, which follows its threads and children, and counts from the start of `program` on.
 * Throws with what the command said if it fails. As root the programs of ordinary users keep the rights of their files (newuidmap).
 */
export async function traced(program: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Traced> {
  const directory = mkdtempSync(path.join(tmpdir(), "laminate-trace-"));
  try {
    const options = ["--follow-forks", "--output-separately", "--decode-fds=path", "--string-limit=0", "--quiet=all", "-o", path.join(directory, "calls"), "-e", `trace=${WATCHED.join()}`];
    const child = spawn("strace", [...options, ...argv], { env, stdio: ["ignore", "pipe", "pipe"] });
    const { status, said } = await end(child);
    if (status !== 0) throw new Error(`${argv.join(" ")}: it ended with ${status}: ${said}`);
    const threads = readdirSync(directory).map((name) => parse(readFileSync(path.join(directory, name), "latin1")));
    return new Calls(threads.flatMap((calls) => afterStart(program, calls)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What came before the program in its own process: those who started it. Their other children are not followed by anybody who is asked. */
function afterStart(program: string, calls: readonly Call[]): readonly Call[] {
  const start = calls.findIndex((call) => call.name === "execve" && call.result === 0 && firstString(call.args) === program);
  return start < 0 ? calls : calls.slice(start);
}

class Calls implements Traced {
  readonly #calls: readonly Call[];

  constructor(calls: readonly Call[]) {
    this.#calls = calls;
  }

  looked(below: string): number {
    return this.#of("statx", "newfstatat").filter(({ args }) => firstString(args).startsWith(`${below}/`)).length;
  }

  opened(below: string): number {
    return this.#of("openat").filter(({ args, result }) => result >= 0 && !args.includes("O_DIRECTORY") && firstString(args).startsWith(`${below}/`)).length;
  }

  read(file: RegExp): number {
    return this.#bytes(file, 0, "read", "pread64", "readv", "preadv", "preadv2", "copy_file_range") + this.#bytes(file, 1, "sendfile");
  }

  written(file: RegExp): number {
    return this.#bytes(file, 0, "write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile") + this.#bytes(file, 1, "copy_file_range");
  }

  get programs(): readonly string[] {
    return this.#of("execve").filter(({ result }) => result === 0).map(({ args }) => path.basename(firstString(args))).sort();
  }

  #of(...names: readonly string[]): readonly Call[] {
    return this.#calls.filter(({ name }) => names.includes(name));
  }

  /** `place` says which of the call's descriptors it is about. */
  #bytes(file: RegExp, place: number, ...names: readonly string[]): number {
    const fits = ({ args, result }: Call) => result > 0 && file.test([...args.matchAll(/(?:^|, )\d+<([^>]*)>/g)][place]?.[1] ?? "");
    return this.#of(...names).filter(fits).reduce((sum, { result }) => sum + result, 0);
  }
}

/** `openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3`; a call that never returned is none. */
function parse(text: string): Call[] {
  return [...text.matchAll(/^(\w+)\((.*)\) += (-?\d+)/gm)].map(([, name, args, result]) => ({ name: name!, args: args!, result: Number(result) }));
}

function firstString(args: string): string {
  return /"([^"]*)"/.exec(args)?.[1] ?? "";
}

async function end(child: ChildProcess): Promise<{ readonly status: number | null; readonly said: string }> {
  let said = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { status, said };
}
