// How long the parser takes, cold, as a ratio to what `node -e 0` takes: the processor time of the main thread, the
// smallest of many runs of each, in turns. Each run is a process of its own, as a command is: nothing is compiled
// before. Processor time, as the wall clock of a busy machine says more of its other work.
//   node bench/parser.mjs [RUNS]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";

const runs = Number(process.argv[2] ?? 20);
const place = mkdtempSync(path.join(tmpdir(), "laminate-parser-"));
process.once("exit", () => rmSync(place, { recursive: true, force: true }));

/** A stage as people write them, of twenty lines and twelve instructions. */
const stage = (index) => [
  `FROM debian:bookworm AS stage${index}`,
  "ARG VERSION=1.2.3",
  'ENV LANG=C.UTF-8 PATH="/opt/app/bin:$PATH"',
  "WORKDIR /srv/app",
  "# what the build needs",
  "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\",
  "    apt-get update && \\",
  "    apt-get install -y --no-install-recommends \\",
  "      ca-certificates curl=${VERSION:-7} && \\",
  "    rm -rf /var/lib/apt/lists/*",
  `COPY --from=stage${Math.max(0, index - 1)} --chown=app:app /srv/app ./`,
  "COPY package.json package-lock.json ./",
  "COPY <<EOF /etc/app.conf",
  "listen = 8080",
  "EOF",
  'LABEL org.opencontainers.image.version="$VERSION"',
  "EXPOSE 8080/tcp",
  "HEALTHCHECK --interval=30s CMD curl -f http://localhost:8080/",
  'CMD ["node", "server.js"]',
  "",
];
/** A stage with one long command, as generated files have. */
const script = () => ["FROM debian:bookworm", "RUN set -eux; \\", ...Array(97).fill("    make -C packages/service install DESTDIR=/out && \\"), "    true"];
const repeated = (of, lines) => `${Array.from({ length: Math.ceil(lines / of(0).length) }, (_, index) => of(index)).flat().slice(0, lines).join("\n")}\n`;

const CASES = [
  ["20 lines", repeated(stage, 20)],
  ["1,000 lines", repeated(stage, 1000)],
  ["10,000 lines", repeated(stage, 10_000)],
  ["10,000 lines of long commands", repeated(script, 10_000)],
];

const source = path.join(import.meta.dirname, "..", "src", "dockerfile", "parse", "parse.ts");
const timed = path.join(place, "timed.mjs");
const contents = `
import { readFileSync } from "node:fs";
import { parseDockerfile } from ${JSON.stringify(source)};
const used = () => Number(readFileSync("/proc/self/task/" + process.pid + "/schedstat", "utf8").split(" ")[0]) / 1e6;
const text = process.argv[2] === undefined ? undefined : readFileSync(process.argv[2], "utf8");
const before = used();
if (text !== undefined) parseDockerfile(text, "Dockerfile");
console.log(text === undefined ? before : used() - before);
`;
await build({ stdin: { contents, resolveDir: place }, bundle: true, platform: "node", format: "esm", outfile: timed, logLevel: "warning" });

const cases = CASES.map(([name, text], index) => {
  const file = path.join(place, `${index}.Dockerfile`);
  writeFileSync(file, text);
  return { name, file, best: Infinity };
});
let start = Infinity;
for (let run = 0; run < runs; run += 1) {
  start = Math.min(start, milliseconds());
  for (const each of cases) each.best = Math.min(each.best, milliseconds(each.file));
}
console.log(`node -e 0: ${start.toFixed(1)} ms`);
for (const { name, best } of cases) console.log(`${name.padEnd(30)} ${best.toFixed(1).padStart(6)} ms  ${(best / start).toFixed(2)} x`);

/** What a process's main thread has used: for the parser, or, without a file, from its start until it is loaded. */
function milliseconds(...files) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [timed, ...files], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}
