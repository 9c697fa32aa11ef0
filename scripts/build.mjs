// Bundles src/ to dist/: one file for each process and thread that we start, as CommonJS. There a module that is imported dynamically runs,
// and requires its builtins, only when it is asked for; as ES modules in many small files the same took Node's loader
// 20 ms longer, and a thread's one file still 8 ms. All output lies flat in one directory, so `new URL("…", import.meta.url)` is rewritten to its place there.
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const source = path.join(root, "src");
const { values } = parseArgs({ options: { outdir: { type: "string", default: path.join(root, "dist") } } });
const outdir = path.resolve(values.outdir);

const main = path.join(source, "cli", "entry.ts");

/** Where a source that is an entry of its own ends up. */
const entryName = (file) => (file === main ? "entry" : path.relative(source, file).replace(/\.ts$/, "").replaceAll(path.sep, "-"));

const FILE_URL = /new URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g;

/** Files of the sources that others name by their place: what is started (a worker thread, a process) is an entry of its own, WebAssembly lies beside. */
function namedByFile(ending) {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  return files.flatMap((file) => {
    const text = readFileSync(path.join(source, file), "utf8");
    return [...text.matchAll(FILE_URL)].map((match) => path.resolve(source, path.dirname(file), match[1])).filter((target) => target.endsWith(ending));
  });
}

/** Where a file is from dist/. */
function placeOf(file) {
  if (file.endsWith(".ts")) return `./${entryName(file)}.cjs`;
  return file.endsWith(".wasm") ? `./${path.basename(file)}` : path.relative(outdir, file).replaceAll(path.sep, "/");
}

const fileUrls = {
  name: "file-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path: file }) => ({
      loader: "ts",
      contents: readFileSync(file, "utf8").replace(FILE_URL, (_, target) => {
        const found = path.resolve(path.dirname(file), target);
        return `new URL(${JSON.stringify(placeOf(found))}, import.meta.url)`;
      }),
    }));
  },
};

/**
 * Builtins that a command which finds everything done never uses, and that take Node 2 to 4 ms each: required when
 * something of theirs is first touched, not when a module that could need it is.
 */
const SELDOM = /^node:(child_process|fs\/promises|timers\/promises|worker_threads|zlib)$/;

const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: SELDOM }, ({ path: name, namespace }) => (namespace === "lazy" ? { path: name, external: true } : { path: name, namespace: "lazy" }));
    onLoad({ filter: SELDOM, namespace: "lazy" }, async ({ path: name }) => ({
      contents: Object.keys(await import(name))
        .filter((key) => key !== "default")
        .map((key) => `Object.defineProperty(exports, ${JSON.stringify(key)}, { enumerable: true, get: () => require(${JSON.stringify(name)})[${JSON.stringify(key)}] });`)
        .join("\n"),
    }));
  },
};

// Beside its place first: a build that fails leaves the last one, and no command meets half of one.
const made = `${outdir}.new`;
rmSync(made, { recursive: true, force: true });
const entries = new Set([main, path.join(source, "sandbox", "worker", "main.ts"), ...namedByFile(".ts")]);
const results = await Promise.all([...entries].map(bundle));
// With the licence beside it.
for (const file of namedByFile(".wasm").flatMap((wasm) => [wasm, wasm.replace(/(-plain)?\.wasm$/, ".COPYING")])) copyFileSync(file, path.join(made, path.basename(file)));
rmSync(outdir, { recursive: true, force: true });
renameSync(made, outdir);
const outputs = results.flatMap((result) => Object.values(result.metafile.outputs));
for (const file of readdirSync(outdir).filter((name) => name.endsWith(".cjs"))) {
  // One character more, and Node holds the whole file with two bytes for each: 5 ms of each start. In a regular expression esbuild leaves them as they are.
  if (readFileSync(path.join(outdir, file)).some((byte) => byte > 0x7f)) throw new Error(`dist/${file} is not ASCII alone: write \\u… in the regular expression`);
}
console.log(`dist: ${outputs.length} files, ${Math.round(outputs.reduce((sum, output) => sum + output.bytes, 0) / 1024)} KiB`);

function bundle(entry) {
  return build({
    entryPoints: [{ in: entry, out: entryName(entry) }],
    outdir: made,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    // The command's own file is loaded by another; those that are started by their file are what they are.
    define: { "import.meta.url": "bundleUrl", "import.meta.main": String(entry !== main) },
    banner: { js: '"use strict"; const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
    packages: "external",
    plugins: [fileUrls, lazyBuiltins],
    metafile: true,
    logLevel: "warning",
  });
}
