import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildRecord, StepRecord } from "../explain/build-record.ts";
import { causeText } from "../explain/cause.ts";
import { BUSYBOX, BuildRig } from "./builds.ts";

/*
 * Whatever changes in a project, the build names just that as the cause, and what does not matter makes nothing run.
 * The trees are packages that are installed here; what changes is random, with another seed each run.
 * LAMINATE_MUTATIONS sets how many changes each tree sees.
 */

const MUTATIONS = Number(process.env["LAMINATE_MUTATIONS"] ?? 6);
const SEED = Number(process.env["LAMINATE_SEED"] ?? Date.now() % 1_000_000);
const MODULES = path.join(import.meta.dirname, "../../node_modules");
const TREES = { "vscode-languageserver-protocol": ".", "@types/node": ".", vitest: "dist" } as const;

interface Project {
  readonly directory: string;
  lines: string[];
  argument: string;
  /** Files that were not touched yet, so that no state comes again. */
  readonly files: string[];
}

/** What is to be said: the first step that runs and why; undefined where none runs. */
type Expected = { readonly step: string; readonly cause: string } | undefined;
type Mutation = (project: Project, random: (below: number) => number, serial: string) => Expected;

function makeProject(rig: BuildRig, tree: keyof typeof TREES): Project {
  const directory = rig.context({ "package.json": "{}\n", ".dockerignore": "ignored\n**/*.log\n", "notes/todo": "1\n" });
  cpSync(path.join(MODULES, tree, TREES[tree]), path.join(directory, "lib"), { recursive: true, dereference: true, filter: (from) => !/\.(node|wasm)$/.test(from) });
  const files = readdirSync(path.join(directory, "lib"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith(".log")).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  for (const file of files) chmodSync(path.join(directory, file), 0o644);
  const lines = ["FROM busybox", "ARG VERSION=0", "ENV MODE=0", "COPY package.json /app/", "RUN wc -c /app/package.json > /installed", "COPY lib /app/lib/", "RUN echo 0; ls /app/lib > /list"];
  return { directory, lines, argument: "0", files };
}

function take(project: Project, random: (below: number) => number): string {
  return project.files.splice(random(project.files.length), 1)[0]!;
}

function reline(project: Project, start: string, text: string): string {
  const place = project.lines.findIndex((line) => line.startsWith(start));
  const before = project.lines[place]!;
  project.lines[place] = text;
  return before;
}

const MUTATIONS_BY_NAME: Readonly<Record<string, Mutation>> = {
  "a file's content"(project, random, serial) {
    const file = take(project, random);
    writeFileSync(path.join(project.directory, file), `changed ${serial}`);
    return { step: "COPY lib /app/lib/", cause: `${file} changed` };
  },
  "a file's mode"(project, random) {
    const file = take(project, random);
    chmodSync(path.join(project.directory, file), 0o755);
    return { step: "COPY lib /app/lib/", cause: `mode of ${file} 0644 → 0755 (git checkout of another machine?)` };
  },
  "a new file"(project, random, serial) {
    const file = path.join(path.dirname(project.files[random(project.files.length)]!), `new-${serial}`);
    writeFileSync(path.join(project.directory, file), String(serial));
    chmodSync(path.join(project.directory, file), 0o644);
    return { step: "COPY lib /app/lib/", cause: `${file} is new` };
  },
  "a file that goes"(project, random) {
    const file = take(project, random);
    rmSync(path.join(project.directory, file));
    return { step: "COPY lib /app/lib/", cause: `${file} is gone` };
  },
  "a file of another name"(project, random, serial) {
    const file = take(project, random);
    const other = path.join(path.dirname(file), `moved-${serial}`);
    renameSync(path.join(project.directory, file), path.join(project.directory, other));
    return { step: "COPY lib /app/lib/", cause: `${other} is new, ${file} is gone` };
  },
  "what is installed from"(project, _random, serial) {
    writeFileSync(path.join(project.directory, "package.json"), `{"n":"${serial}"}\n`);
    return { step: "COPY package.json /app/", cause: "package.json changed" };
  },
  "a build argument"(project, _random, serial) {
    const before = project.argument;
    project.argument = `v${serial}`;
    return { step: "RUN wc -c /app/package.json > /installed", cause: `build argument VERSION changed from "${before}" to "v${serial}"` };
  },
  "a variable"(project, _random, serial) {
    const before = reline(project, "ENV MODE=", `ENV MODE=m${serial}`).slice("ENV MODE=".length);
    return { step: "RUN wc -c /app/package.json > /installed", cause: `environment variable MODE changed from "${before}" to "m${serial}"` };
  },
  "an instruction"(project, _random, serial) {
    const before = reline(project, "RUN echo", `RUN echo ${serial}; ls /app/lib > /list`);
    return { step: `RUN echo ${serial}; ls /app/lib > /list`, cause: `the instruction was ${JSON.stringify(before)}` };
  },
  "times alone"(project, random) {
    for (const file of ["package.json", project.files[random(project.files.length)]!, "lib"]) utimesSync(path.join(project.directory, file), 1, 1);
    return undefined;
  },
  "what is ignored, or chosen by nobody"(project, _random, serial) {
    mkdirSync(path.join(project.directory, "ignored"), { recursive: true });
    for (const file of ["ignored/x", "lib/debug.log", "notes/todo"]) writeFileSync(path.join(project.directory, file), String(serial));
    return undefined;
  },
  "a comment and an argument that nobody declares"(project, _random, serial) {
    project.lines = project.lines.filter((line) => !line.startsWith("#"));
    project.lines.splice(4, 0, `# ${serial}`);
    return undefined;
  },
  "a label"(project, _random, serial) {
    project.lines = project.lines.filter((line) => !line.startsWith("LABEL"));
    project.lines.push(`LABEL serial=${serial}`);
    return undefined;
  },
};

async function build(rig: BuildRig, { directory, lines, argument }: Project): Promise<readonly StepRecord[]> {
  writeFileSync(path.join(directory, "Dockerfile"), `${lines.join("\n")}\n`);
  await rig.ok(["build", "-q", "--network=none", "--build-arg", `VERSION=${argument}`, directory]);
  return (JSON.parse(await rig.ok(["builds", "show", "--format", "json"])) as BuildRecord).steps;
}

describe.skipIf(BUSYBOX === undefined)(`random changes (seed ${SEED})`, { retry: 0, timeout: 600_000 }, () => {
  const rig = new BuildRig();
  beforeAll(() => rig.busybox());
  afterAll(() => rig[Symbol.asyncDispose]());

  test.each(Object.keys(TREES) as (keyof typeof TREES)[])("of %s: the cause that is named is the change that was made", async (tree) => {
    const project = makeProject(rig, tree);
    await build(rig, project);
    const names = fc.sample(fc.constantFrom(...Object.keys(MUTATIONS_BY_NAME)), { seed: SEED, numRuns: MUTATIONS });
    const dice = fc.sample(fc.nat(), { seed: SEED, numRuns: MUTATIONS * 4 })[Symbol.iterator]();
    for (const [place, name] of names.entries()) {
      const before = (await rig.ok(["builds", "-q"])).split("\n")[0];
      const expected = MUTATIONS_BY_NAME[name]!(project, (below) => dice.next().value! % below, `${Object.keys(TREES).indexOf(tree)}-${place + 1}`); // no other tree's build is to be found
      const steps = await build(rig, project);
      const isNew = (await rig.ok(["builds", "-q"])).split("\n")[0] !== before;
      const ran = isNew ? steps.filter(({ outcome }) => outcome === "ran") : [];
      const [first] = ran;
      const told = first?.cause === undefined ? undefined : { step: first.name, cause: causeText(first.cause).replace(/ \(\d+ lines?\)$/, "") };
      expect({ name, told }).toEqual({ name, told: expected });
      // What else ran stands on that step, or has the same cause of its own.
      for (const step of ran.slice(1)) expect([expected!.cause, "it stands on "].some((words) => causeText(step.cause!).startsWith(words))).toBe(true);
    }
  });
});
