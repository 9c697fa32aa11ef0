import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { spawnAsUser } from "../sandbox/as-user.ts";
import type { Answer } from "./case-file.ts";
import type { Choice } from "./corpus.ts";

export type Person = "root" | "user";

const DRIVER = path.join(import.meta.dirname, "driver.ts");

/** Who Laminate can be asked as here: an ordinary user is only themselves. */
export const PERSONS: readonly Person[] = process.geteuid!() === 0 ? ["root", "user"] : ["user"];

/** Has Laminate of this checkout build cases in a process of root's or of an ordinary user's. */
export async function askLaminate(person: Person, choice: Choice): Promise<Map<string, Answer>> {
  const directory = mkdtempSync(path.join(tmpdir(), "laminate-conformance-"));
  try {
    const lines = await outputOf(start(person, directory, [process.execPath, DRIVER, JSON.stringify(choice)]));
    const answers = lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as [string, [string, string][]]);
    return new Map(answers.map(([id, sections]) => [id, new Map(sections)]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function start(person: Person, directory: string, argv: readonly [string, ...string[]]): ChildProcess {
  const env = { ...process.env, TMPDIR: directory };
  const [command, ...args] = argv;
  if (person === "root" || process.geteuid!() !== 0) return spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  return spawnAsUser(directory, argv, { env: { ...env, HOME: directory } });
}

async function outputOf(child: ChildProcess): Promise<string> {
  let [out, err] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (err += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`the driver ended with ${String(code)}: ${err}`);
  return out;
}
