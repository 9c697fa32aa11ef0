import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeDockerfile } from "./dockerfile.ts";
import type { Recorder } from "./record-trace.ts";

const HOME = path.join(import.meta.dirname, "..");
/** Commits before that have no docs, and other scripts. */
const FIRST = 80;
/** Lock files whose packages are in the cache. */
const fetched = new Set<string>();

/** Images of this repository: how often each is built, and of what. */
interface Image {
  readonly name: string;
  readonly dockerfile: readonly string[];
  /** Of every so manyth commit. */
  readonly every: number;
  /** Of the commit so many before: a line of work that is behind. */
  readonly behind: number;
}

const PACKAGES = ["WORKDIR /app", "COPY package.json package-lock.json ./", "RUN --mount=type=bind,rw,from=npm,target=/npm npm ci --offline --ignore-scripts --no-audit --no-fund --cache /npm"];
const app = (base: string): string[] => [`FROM ${base} AS packages`, ...PACKAGES, "FROM packages AS built", "COPY tsconfig.json ./", "COPY scripts scripts", "COPY src src", "COPY docs docs", "RUN node scripts/build.mjs || true", `FROM ${base}`, "COPY --from=built /app/dist* /opt/app/"];
const checks = (base: string): string[] => [`FROM ${base}`, ...PACKAGES, "COPY tsconfig.json vitest.config.ts* ./", "COPY src src", "RUN npx tsc --noEmit > types.txt || true", "RUN npx oxlint --quiet > lint.txt || true", "RUN npx vitest run --dir src src/oci src/base src/diagnostics > tests.txt || true"];
const docs = (base: string): string[] => [`FROM ${base}`, "COPY docs /docs", "COPY README.md CHANGELOG.md* /docs/", "RUN tar -C / -cf - docs | gzip -9 > /docs.tar.gz"];
const release = (base: string): string[] => [`FROM ${base}`, ...PACKAGES, "COPY . /source", "RUN tar -C / -cf - source | gzip -9 > /source.tar.gz", "RUN tar -C / -cf - app | gzip -1 > /app.tar.gz"];

const images = (base: string): Image[] => [
  { name: "app", dockerfile: app(base), every: 1, behind: 0 },
  { name: "checks", dockerfile: checks(base), every: 1, behind: 0 },
  { name: "docs", dockerfile: docs(base), every: 2, behind: 0 },
  { name: "release", dockerfile: release(base), every: 12, behind: 0 },
  { name: "app, maintained", dockerfile: app(base), every: 6, behind: 80 },
  { name: "checks, maintained", dockerfile: checks(base), every: 6, behind: 80 },
];

interface Commit {
  readonly hash: string;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** Builds images of this repository at so many commits of its history, at the times of the commits. Gives what that was. */
export function recordHistory(recorder: Recorder, count: number): string {
  const all = commits().slice(FIRST);
  const chosen = all.filter((_, place) => place % Math.max(1, Math.floor(all.length / count)) === 0);
  const npm = path.join(recorder.scratch, "npm");
  for (const { hash } of chosen) fetchPackages(hash, npm);
  for (const [place, commit] of chosen.entries()) {
    for (const { name, dockerfile, every, behind } of images(recorder.node)) {
      const from = all[all.indexOf(commit) - behind];
      if (place % every !== 0 || from === undefined) continue;
      const context = path.join(recorder.scratch, "history", name.replaceAll(/\W+/g, "-"));
      checkOut(from.hash, context);
      writeDockerfile(context, dockerfile);
      recorder.build({ name, state: from.hash, at: Math.round((commit.time - chosen[0]!.time) / 60), context, contexts: [`npm=${npm}`] });
    }
  }
  return `${images("").length} images of this repository at ${chosen.length} of its commits, ${chosen[0]!.hash} to ${chosen.at(-1)!.hash}, at the times of the commits`;
}

/** This repository's commits, the oldest first. */
function commits(): Commit[] {
  return execFileSync("git", ["-C", HOME, "log", "--reverse", "--format=%h %ct"], { encoding: "utf8" }).trim().split("\n").map((line) => ({ hash: line.split(" ")[0]!, time: Number(line.split(" ")[1]) }));
}

function checkOut(hash: string, directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  execFileSync("tar", ["-x", "-C", directory], { input: execFileSync("git", ["-C", HOME, "archive", hash], { maxBuffer: 1 << 30 }) });
}

/** Puts the packages of a commit's lock file into npm's cache, once for each such file. */
function fetchPackages(hash: string, cache: string): void {
  const files = ["package.json", "package-lock.json"].map((name) => [name, execFileSync("git", ["-C", HOME, "show", `${hash}:${name}`], { encoding: "utf8" })] as const);
  const lock = files[1]![1];
  if (fetched.has(lock)) return;
  fetched.add(lock);
  const scratch = mkdtempSync(path.join(tmpdir(), "laminate-packages-"));
  try {
    for (const [name, text] of files) writeFileSync(path.join(scratch, name), text);
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", cache], { cwd: scratch, stdio: ["ignore", "ignore", "inherit"] });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
