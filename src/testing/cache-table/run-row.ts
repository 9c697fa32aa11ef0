import { spawn } from "node:child_process";
import { reasonOf } from "../../base/failure.ts";
import type { Ran } from "../images.ts";
import { openSources } from "../conformance/sources.ts";
import { words } from "../conformance/words.ts";
import { writeContext } from "../conformance/write-context.ts";
import type { CacheEngine, Place } from "./engine.ts";
import type { Row } from "./table.ts";

const GIT = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t" };

/** Has a builder do what each row says, and gives the steps that its last build ran, with the causes that were told. */
export async function askRows(engine: CacheEngine, rows: readonly Row[]): Promise<Map<string, readonly string[]>> {
  await using sources = await openSources();
  const waiting = [...rows];
  const answers = new Map<string, readonly string[]>();
  const worker = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      await using place = await engine.place();
      answers.set(row.id, await askRow(row, place, sources).catch((error: unknown) => [`failed: ${reasonOf(error).replaceAll("\n", " | ")}`]));
    }
  };
  await Promise.all(Array.from({ length: engine.atOnce }, worker));
  return new Map(rows.map(({ id }) => [id, answers.get(id)!]));
}

async function askRow({ id, files, script }: Row, place: Place, sources: Awaited<ReturnType<typeof openSources>>): Promise<readonly string[]> {
  const isSource = (name: string) => /^(served|repository)\//.test(name);
  await writeContext(place.directory, files.filter(({ name }) => isSource(name)), (text) => text);
  const { fill, empty } = sources.open(id.replaceAll(/[^a-z]+/gi, "-"), place.directory);
  await writeContext(place.directory, files.filter(({ name }) => !isSource(name)), fill);
  let said = "";
  for (const line of script) {
    const { code, out, err } = line.kind === "shell" ? await shell(fill(line.command), place.directory) : await builder(line, place, fill);
    const text = line.kind === "shell" ? line.command : line.words;
    if ((code !== 0) !== (line.kind === "builder" && line.fails === true)) throw new Error(`${text}: exit ${code}\n${out}${err}`);
    if (line.kind === "builder") said = err;
  }
  return ranSteps(empty(said));
}

async function builder({ words: text, env = "", umask }: Extract<Row["script"][number], { kind: "builder" }>, place: Place, fill: (text: string) => string): Promise<Ran> {
  const [command, ...args] = words(fill(text));
  const network = args.some((arg) => arg.startsWith("--network")) ? [] : ["--network=none"];
  const further = Object.fromEntries(words(env).map((word) => word.split("=") as [string, string]));
  return await place.run(command === "build" ? ["build", "--progress=plain", ...network, ...args] : [command!, ...args], further, umask);
}

async function shell(command: string, cwd: string): Promise<Ran> {
  return await ended(spawn("sh", ["-ec", command], { cwd, env: { ...process.env, ...GIT }, stdio: ["ignore", "pipe", "pipe"] }));
}

/** What a process says, and how it ends. */
export async function ended(child: ReturnType<typeof spawn>): Promise<Ran> {
  let [out, err] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (err += text));
  const code = await new Promise<number>((resolve, reject) => child.once("error", reject).once("close", (status) => resolve(status ?? 255)));
  return { code, out, err };
}

/** The numbered steps of a build's plain progress that were not CACHED, as both builders write it; with our causes. */
function ranSteps(said: string): readonly string[] {
  // Of docker's ADD of something remote there are two of one name: that it fetches, which is done each time, and what it then does.
  const numbers = new Map([...said.matchAll(/^#(\d+) (\[[^\]]*\d+\/\d+\] .*)$/gm)].map(([, number, name]) => [name!, number!]));
  const cached = new Set([...said.matchAll(/^#(\d+) CACHED$/gm)].map(([, number]) => number!));
  const causes = new Map([...said.matchAll(/^#(\d+) MISS (.*)$/gm)].map(([, number, cause]) => [number!, cause!]));
  const ran = [...numbers].filter(([name, number]) => !cached.has(number) && !/^\[[^\]]*\] FROM /.test(name)).map(([name, number]) => lasting(causes.get(number) ?? name));
  return ran.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Without what is another each time: digests and days. */
function lasting(line: string): string {
  return line.replaceAll(/(?<=sha256:|\b(?:is|was) |#)\p{Hex}{12,}/gu, "…").replaceAll(/\b\d{4}-\d\d-\d\d\b/g, "DAY");
}
