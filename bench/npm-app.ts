import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { downloadDebs } from "./debs.ts";
import { writeDockerfile } from "./dockerfile.ts";

const PACKAGES = 200;
const FILES_OF_EACH = 25;
const SOURCES = 40;

/** An app with 200 packages of 25 files, 15 MB, which `npm ci` installs from archives in the context as its lock file says, and a build of its sources. */
export function writeNpmApp(directory: string, base: string): void {
  writeNpmDockerfile(directory, base);
  const packages = Array.from({ length: PACKAGES }, (_, index) => writePackage(path.join(directory, "vendor"), `part-${String(index).padStart(3, "0")}`));
  const dependencies = Object.fromEntries(packages.map(({ name, file }) => [name, `file:${file}`]));
  const root = { name: "app", version: "1.0.0", dependencies };
  const entries = packages.map(({ name, file, integrity }) => [`node_modules/${name}`, { version: "1.0.0", resolved: `file:${file}`, integrity }]);
  writeJson(path.join(directory, "package.json"), { ...root, private: true, type: "module" });
  writeJson(path.join(directory, "package-lock.json"), { name: "app", version: "1.0.0", lockfileVersion: 3, requires: true, packages: { "": root, ...Object.fromEntries(entries) } });
  mkdirSync(path.join(directory, "src"), { recursive: true });
  for (let index = 0; index < SOURCES; index += 1) writeFileSync(path.join(directory, `src/part${String(index).padStart(3, "0")}.js`), `export default ${index};\n`);
  writeFileSync(path.join(directory, "src/build.js"), BUILD);
}

/** Of the app; the base image's name is another in each run of the bench. */
export function writeNpmDockerfile(directory: string, base: string): void {
  writeDockerfile(directory, [
    `FROM ${base}`,
    "WORKDIR /app",
    "COPY package.json package-lock.json ./",
    "COPY vendor vendor",
    "RUN npm ci --offline --no-audit --no-fund --no-update-notifier",
    "COPY src src",
    "RUN node src/build.js",
    'CMD ["node", "dist/app.js"]',
  ]);
}

/** Stands for a bundler: loads all packages, and joins the sources. */
const BUILD = `import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
for (const name of Object.keys(dependencies)) await import(name);
mkdirSync("dist");
writeFileSync("dist/app.js", readdirSync("src").map((name) => readFileSync("src/" + name, "utf8")).join(""));
`;

interface Package {
  readonly name: string;
  /** Its archive, from the app's directory. */
  readonly file: string;
  readonly integrity: string;
}

function writePackage(vendor: string, name: string): Package {
  const scratch = path.join(vendor, "scratch", "package");
  mkdirSync(path.join(scratch, "lib"), { recursive: true });
  writeJson(path.join(scratch, "package.json"), { name, version: "1.0.0", type: "module", exports: "./index.js" });
  writeFileSync(path.join(scratch, "index.js"), `export { value } from "./lib/file-0.js";\n`);
  for (let file = 0; file < FILES_OF_EACH - 2; file += 1) {
    const lines = Array.from({ length: 60 }, (_, line) => `// ${createHash("md5").update(`${name} ${file} ${line}`).digest("hex")}`);
    writeFileSync(path.join(scratch, `lib/file-${file}.js`), `export const value = ${file};\n${lines.join("\n")}\n`);
  }
  const archive = path.join(vendor, `${name}.tgz`);
  execFileSync("tar", ["--sort=name", "--mtime=@1700000000", "--owner=0", "--group=0", "--numeric-owner", "-C", path.dirname(scratch), "-czf", archive, "package"]);
  rmSync(path.dirname(scratch), { recursive: true });
  return { name, file: `vendor/${name}.tgz`, integrity: `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}` };
}

/** Makes an image of Debian with this Node and this machine's npm and pushes it to a registry, for all builders to pull; gives its name. */
export function pushNodeBase(parent: string, debian: string, registry: string, laminate: string): string {
  const scratch = mkdtempSync(path.join(parent, "node-base-"));
  const run = (...args: readonly string[]) => void execFileSync(laminate, ["--root", path.join(scratch, "store"), ...args], { stdio: ["ignore", "ignore", "inherit"] });
  const context = path.join(scratch, "context");
  writeDockerfile(context, [`FROM ${debian}`, "COPY debs /debs", "RUN dpkg -i /debs/*.deb && rm -r /debs", "COPY node /usr/local/bin/", "COPY npm /usr/local/lib/node_modules/npm", "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm --version"]);
  const npmFile = realpathSync(execFileSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim());
  try {
    downloadDebs(path.join(context, "debs"), ["libatomic1"]);
    cpSync(process.execPath, path.join(context, "node"));
    cpSync(path.dirname(path.dirname(npmFile)), path.join(context, "npm"), { recursive: true });
    const name = `${registry}/base/node:latest`;
    run(debian.includes("/") ? "pull" : "base", "-q", debian);
    run("build", "-q", "--network=host", "-t", name, context);
    run("push", "-q", name);
    return name;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function writeJson(file: string, value: object): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}
