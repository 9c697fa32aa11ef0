// Compares generated .dockerignore files with a real docker: which files of a tree does `COPY . /` take? Prints what differs.
//   DOCKER="docker" HERE=DIR THERE=DIR node scripts/docker-ignore.mjs [FILES] [SEED]
// DOCKER is the command; the tree is made in HERE, which docker knows as THERE.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { parseIgnore } from "../src/dockerfile/ignore.ts";

const [command, ...before] = (process.env.DOCKER ?? "docker").split(" ");
const here = process.env.HERE ?? "laminate-ignore";
const there = process.env.THERE ?? here;
const below = (top) => ["a/a", "a/ab/a", "a/ab/z.txt", "a/x.txt", "b/a", "b/ab/a", "b/ab/z.txt", "b/x.txt", "c.txt"].map((name) => `${top}/${name}`);
const tree = [...["a", "b", "ab", ".x", "a b"].flatMap(below), "top.txt", "c", "é.txt"];
mkdirSync(here);
for (const file of tree) {
  mkdirSync(path.dirname(path.join(here, file)), { recursive: true });
  writeFileSync(path.join(here, file), file);
}

const name = fc.oneof(
  { weight: 2, arbitrary: fc.constant("**") },
  { weight: 5, arbitrary: fc.array(fc.constantFrom("a", "b", "c", "*", "?", "[ab]", "[^a]", "[a-b]", "[.]", "[a\\d]", ".txt", ".", "x", "a]", "\\a", "\\d", "\\_", "\\*", "é", "**"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")) },
  { weight: 1, arbitrary: fc.constantFrom(".", "..", "", "*.txt", ".x") },
);
const pattern = fc
  .tuple(fc.constantFrom("", "", "", "!", "!", "/", " ", "! "), fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/")), fc.constantFrom("", "", "", "/", " ", "/**"))
  .map((parts) => parts.join(""));
const seed = Number(process.argv[3] ?? 1);
const files = fc.sample(fc.array(pattern, { minLength: 1, maxLength: 5 }), { numRuns: Number(process.argv[2] ?? 100), seed }).map((patterns) => `${patterns.join("\n")}\n`);
let differing = 0;
for (const text of files) {
  writeFileSync(path.join(here, ".dockerignore"), text);
  const [ours, theirs] = [copiedByUs(text), copiedByDocker()];
  if (ours === theirs) continue;
  differing += 1;
  console.log(`${JSON.stringify(text)}:\n  docker ${theirs}\n  laminate ${ours}`);
}
rmSync(here, { recursive: true });
console.log(`${files.length} files over a tree of ${tree.length}: ${differing} differ (seed ${seed})`);

function copiedByUs(text) {
  try {
    const rules = parseIgnore(text, ".dockerignore");
    return tree.filter((file) => !rules.ignores(file)).join(" ");
  } catch {
    return "refused";
  }
}

function copiedByDocker() {
  const line = ["build", "-q", "--no-cache", "--output", "type=tar,dest=-", "-f", "-", there];
  const built = spawnSync(command, [...before, ...line], { input: "FROM scratch\nCOPY . /\n", maxBuffer: 1e8, timeout: 60_000 });
  if (built.status !== 0) return "refused";
  const listed = spawnSync("tar", ["-tf", "-", "--quoting-style=literal"], { input: built.stdout, encoding: "utf8" });
  const copied = new Set(listed.stdout.split("\n").map((member) => member.replace(/^\.?\//, "")));
  return tree.filter((file) => copied.has(file)).join(" ");
}
