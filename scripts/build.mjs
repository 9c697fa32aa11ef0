// Bundles src/ to dist/: one small file to start with and one a command, loaded when it is called.
// All output lies flat in one directory, so `new URL("…", import.meta.url)` can be rewritten for wherever a module ends up.
import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const source = path.join(root, "src");
const { values } = parseArgs({ options: { outdir: { type: "string", default: path.join(root, "dist") } } });
const outdir = path.resolve(values.outdir);

/** Where a source that is an entry of its own ends up. */
const entryName = (file) => (file === path.join(source, "cli", "entry.ts") ? "entry" : path.relative(source, file).replace(/\.ts$/, "").replaceAll(path.sep, "-"));

const FILE_URL = /new URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g;

/** Sources that others start by their file (a worker thread, a process): entries of their own. */
function startedByFile() {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  return files.flatMap((file) => {
    const text = readFileSync(path.join(source, file), "utf8");
    return [...text.matchAll(FILE_URL)].map((match) => path.resolve(source, path.dirname(file), match[1])).filter((target) => target.endsWith(".ts"));
  });
}

const fileUrls = {
  name: "file-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path: file }) => ({
      loader: "ts",
      contents: readFileSync(file, "utf8").replace(FILE_URL, (_, target) => {
        const found = path.resolve(path.dirname(file), target);
        const place = found.endsWith(".ts") ? `./${entryName(found)}.js` : path.relative(outdir, found).replaceAll(path.sep, "/");
        return `new URL(${JSON.stringify(place)}, import.meta.url)`;
      }),
    }));
  },
};

// Beside its place first: a build that fails leaves the last one, and no command meets half of one.
const made = `${outdir}.new`;
rmSync(made, { recursive: true, force: true });
const entries = new Set([path.join(source, "cli", "entry.ts"), path.join(source, "sandbox", "worker", "main.ts"), ...startedByFile()]);
const result = await build({
  entryPoints: [...entries].map((file) => ({ in: file, out: entryName(file) })),
  outdir: made,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  packages: "external",
  chunkNames: "[name]-[hash]",
  keepNames: true,
  plugins: [fileUrls],
  metafile: true,
  logLevel: "warning",
});
rmSync(outdir, { recursive: true, force: true });
renameSync(made, outdir);
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist: ${Object.keys(result.metafile.outputs).length} files, ${Math.round(bytes / 1024)} KiB`);
