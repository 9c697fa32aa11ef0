import { closeSync, createReadStream, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { Failure } from "../base/failure.ts";
import type { BuildEvent } from "../events/build-event.ts";
import type { Laminate } from "./laminate.ts";

/** There is no log of the build that was asked for. */
export class BuildLogFailure extends Failure {
  readonly code = "no-build-log" as const;
}

/** Builds whose logs are kept. */
const KEPT = 50;
const ENDING = ".jsonl";
/** Events that make a build worth a log; one that found everything in the cache leaves none. */
const TELLING: ReadonlySet<BuildEvent["type"]> = new Set(["step-log", "step-failed", "miss"]);

/** Writes a build's events below the store's root as they come, one JSON object a line, so that nothing printed is ever lost. */
export class BuildLogWriter implements Disposable {
  readonly #directory: string;
  readonly #id: string;
  /** What came before anything worth keeping. */
  #early: string[] | undefined = [];
  #file: number | undefined;

  /** `id` as of BuildIds. */
  constructor(root: string, id: string) {
    this.#directory = directoryOf(root);
    this.#id = id;
  }

  write(event: BuildEvent): void {
    if (event.type === "progress") return;
    const line = `${JSON.stringify(event)}\n`;
    try {
      if (this.#file !== undefined) {
        writeSync(this.#file, line);
      } else if (this.#early !== undefined) {
        this.#early.push(line);
        if (TELLING.has(event.type)) this.#open();
      }
    } catch {
      // A log that cannot be written (a full disk) must not fail the build, which says what is wrong itself.
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#early = undefined;
  }

  #open(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const old of logsIn(this.#directory).slice(0, -(KEPT - 1))) rmSync(path.join(this.#directory, old + ENDING), { force: true });
    this.#file = openSync(path.join(this.#directory, this.#id + ENDING), "ax", 0o600);
    writeSync(this.#file, this.#early!.join(""));
    this.#early = undefined;
  }
}

/** The events of an earlier build: of the last one that ran a step, or of the one whose ID begins so. Throws {@link BuildLogFailure}. */
export async function* buildLog({ root }: Pick<Laminate, "root">, id = "last"): AsyncIterable<BuildEvent> {
  const known = logsIn(directoryOf(root));
  const found = id === "last" ? known.at(-1) : known.findLast((one) => one.startsWith(id));
  if (found === undefined) {
    const hint = known.length === 0 ? "no build has run a step yet" : `the last are ${known.slice(-5).reverse().join(", ")}`;
    throw new BuildLogFailure(id === "last" ? "no log of a build is kept" : `no log of a build ${JSON.stringify(id)}`, { hint });
  }
  const { createInterface } = await import("node:readline");
  for await (const line of createInterface({ input: createReadStream(path.join(directoryOf(root), found + ENDING)), crlfDelay: Infinity })) {
    const event = parsed(line);
    if (event !== undefined) yield event;
  }
}

/** The IDs of the builds whose logs are kept, the newest first. */
export function loggedBuilds({ root }: Pick<Laminate, "root">): readonly string[] {
  return logsIn(directoryOf(root)).reverse();
}

/** Removes a build's log, if there is one. */
export function removeBuildLog({ root }: Pick<Laminate, "root">, id: string): void {
  rmSync(path.join(directoryOf(root), id + ENDING), { force: true });
}

function directoryOf(root: string): string {
  return path.join(root, "build-logs");
}

/** The IDs of logs, oldest first: they begin with their time. */
function logsIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length)).sort();
  } catch {
    return [];
  }
}

/** A line as its event; the last may be cut where the process was killed. */
function parsed(line: string): BuildEvent | undefined {
  try {
    return JSON.parse(line) as BuildEvent;
  } catch {
    return undefined;
  }
}
