import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeDebs } from "./debs.ts";
import { writeDockerfile } from "./dockerfile.ts";
import { writeNpmApp } from "./npm-app.ts";
import type { Recorder } from "./record-trace.ts";
import { randomNumbers } from "../src/testing/random-numbers.ts";

/** A working day has so many builds, one every so many minutes. */
const BUILDS_A_DAY = 20;
const MINUTES = 25;
const DAY = 24 * 60;
const DATA = 40 << 20;

/** A state that a project can be in again: people change branches. */
interface Project {
  readonly name: string;
  readonly weight: number;
  /** Makes a new state and says what it is. */
  edit(edition: number): string;
  /** Puts an earlier state back. */
  restore(state: string): void;
}

/**
 * Builds three projects in turn over some working days: an app whose sources change often and whose packages seldom,
 * an image of Debian packages with a setting, and a large file that is packed. Now and then one of them goes back to
 * an earlier state, as when somebody changes branches. The same numbers decide in each run. Gives what that was.
 */
export function recordProjects(recorder: Recorder, days: number): string {
  const random = randomNumbers(11);
  const projects = [npmApp(recorder), packages(recorder), data(recorder)];
  const states = new Map<string, string[]>(projects.map(({ name }) => [name, []]));
  for (let build = 0; build < days * BUILDS_A_DAY; build += 1) {
    const dice = random();
    const project = projects.find((_, place) => dice < projects.slice(0, place + 1).reduce((sum, { weight }) => sum + weight, 0))!;
    const known = states.get(project.name)!;
    const back = known.length > 1 && random() < 0.2 ? known[Math.floor(random() * known.length)]! : undefined;
    if (back !== undefined) project.restore(back);
    const state = back ?? project.edit(known.length);
    if (back === undefined) known.push(state);
    const at = Math.floor(build / BUILDS_A_DAY) * DAY + (build % BUILDS_A_DAY) * MINUTES;
    recorder.build({ name: project.name, state, at, context: path.join(recorder.scratch, project.name) });
  }
  return `three projects (${projects.map(({ name }) => name).join(", ")}) over ${days} working days of ${BUILDS_A_DAY} builds, one in five of them back at an earlier state`;
}

/** Its packages are those of the bench without one of them; a state is `PACKAGES/SOURCES`. */
function npmApp({ scratch, node }: Recorder): Project {
  const directory = path.join(scratch, "npm-app");
  writeNpmApp(directory, node);
  const files = ["package.json", "package-lock.json"].map((name) => ({ file: path.join(directory, name), text: readFileSync(path.join(directory, name), "utf8") }));
  const restore = (state: string): void => {
    const [without, sources] = state.split("/").map(Number) as [number, number];
    const left = `part-${String(without).padStart(3, "0")}`;
    for (const { file, text } of files) writeFileSync(file, JSON.stringify(JSON.parse(text, (key, value: unknown) => (key === left || key === `node_modules/${left}` ? undefined : value)), null, 2));
    writeFileSync(path.join(directory, "src/part000.js"), `export default ${sources};\n`);
  };
  return { name: "npm-app", weight: 0.6, edit: (edition) => done(`${Math.floor(edition / 9)}/${edition}`, restore), restore };
}

/** A state is the edition of a setting, `PACKAGES/SETTING`: with other packages one of them is left out. */
function packages({ scratch }: Recorder): Project {
  const directory = path.join(scratch, "packages");
  writeDebs(directory, "debian:bookworm");
  const [from, copy, install, check] = readFileSync(path.join(directory, "Dockerfile"), "utf8").trim().split("\n") as [string, string, string, string];
  const restore = (state: string): void => {
    const [set, setting] = state.split("/") as [string, string];
    writeFileSync(path.join(directory, "setting"), `${setting}\n`);
    writeDockerfile(directory, [from, `ENV PACKAGES=${set}`, copy, install, "COPY setting /etc/setting", `${check} && cat /etc/setting`]);
  };
  return { name: "packages", weight: 0.2, edit: (edition) => done(`${Math.floor(edition / 6)}/${edition}`, restore), restore };
}

/** A state is the name of a file of random bytes, which is packed. */
function data({ scratch }: Recorder): Project {
  const directory = path.join(scratch, "data");
  const kept = path.join(scratch, "data-files");
  [directory, kept].forEach((each) => mkdirSync(each, { recursive: true }));
  writeDockerfile(directory, ["FROM debian:bookworm", "COPY data /data", "RUN gzip -1 < /data > /data.gz && sha256sum /data.gz > /sum"]);
  const restore = (state: string): void => writeFileSync(path.join(directory, "data"), readFileSync(path.join(kept, state)));
  const edit = (edition: number): string => {
    writeFileSync(path.join(kept, String(edition)), randomBytes(DATA));
    return done(String(edition), restore);
  };
  return { name: "data", weight: 0.2, edit, restore };
}

function done(state: string, restore: (state: string) => void): string {
  restore(state);
  return state;
}
