// Checks that a folder of src/ imports only from folders below it, that files do not import one another in a circle,
// and that only tests use testing/. Prints each violation as file:line; exits 1 when there is one.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const ROOMS = "cli server api explain exporters executors base-images containers solver transfer sandbox registry store dockerfile graph events archive sys diagnostics oci base".split(" ");
const source = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, "..", "src"));

const problems = [];
const imports = new Map();
for (const file of sources()) imports.set(file, importsOf(file));
for (const [file, found] of imports) for (const each of found) checkImport(file, each);
for (const circle of circles()) problems.push(`${circle[0]}: imports itself through ${[...circle.slice(1), circle[0]].join(" → ")}`);
for (const problem of problems.sort()) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layering: ${imports.size} files, no upward import, no circle`);

function sources() {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".ts")).sort();
}

/** Relative imports of a file, static and dynamic, `import type` included; a computed one counts for each file it may mean. */
function importsOf(file) {
  const text = readFileSync(path.join(source, file), "utf8");
  const pattern = /(?:^|[\s;}])(?:import|export)\s(?:[^"'`;]*?\sfrom\s)?\s*["']([^"']+)["']|\bimport\(\s*["'`]([^"'`]+)["'`]\s*\)/gm;
  return [...withoutComments(text).matchAll(pattern)].flatMap((match) => {
    const specifier = match[1] ?? match[2];
    if (!specifier.startsWith(".")) return [];
    const line = text.slice(0, match.index).split("\n").length + (match[0].startsWith("\n") ? 1 : 0);
    const target = path.join(path.dirname(file), specifier);
    return { line, lazy: match[2] !== undefined, target };
  });
}

/** Comments blanked out, so that lines keep their numbers, and strings that are no module's name emptied. */
function withoutComments(text) {
  const token = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g;
  const blank = (found) => found.replace(/[^\n]/g, " ");
  return text.replace(token, (found, at) => {
    const names = /(?:\bfrom|\bimport|\bimport\()\s*$/.test(text.slice(Math.max(0, at - 40), at));
    return names && !found.startsWith("/") ? found : blank(found);
  });
}

function checkImport(file, { line, target }) {
  const at = `${file}:${line}`;
  const [from, to] = [roomOf(file), roomOf(target)];
  if (target.startsWith("..")) return void problems.push(`${at}: imports from outside src/: "${target}"`);
  if (!target.includes("${") && !existsSync(path.join(source, target))) return void problems.push(`${at}: imports "${target}", which is not there`);
  if (to === "testing") {
    if (from !== "testing" && !file.endsWith(".test.ts")) problems.push(`${at}: only tests may import testing/`);
    return;
  }
  if (from === "testing") return;
  for (const [room, where] of [[from, file], [to, target]]) {
    if (!ROOMS.includes(room)) return void problems.push(`${at}: "${where}" is in no room that scripts/check-layering.mjs knows`);
  }
  if (ROOMS.indexOf(to) < ROOMS.indexOf(from)) problems.push(`${at}: ${from}/ may not import from ${to}/, which is above it`);
}

function roomOf(file) {
  return file.split(path.sep)[0];
}

/** Circles of imports; a dynamic import does not close one, it happens later. */
function circles() {
  const state = new Map();
  const found = [];
  const visit = (file, way) => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") return void found.push(way.slice(way.indexOf(file)));
    state.set(file, "open");
    for (const { target, lazy } of imports.get(file) ?? []) if (!lazy) visit(target, [...way, file]);
    state.set(file, "done");
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}
