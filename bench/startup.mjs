// How long commands that do next to nothing take, as a ratio to `node -e 0`: the smallest of many runs of each, in turns.
//   node bench/startup.mjs [RUNS] [-- laminate arguments of one more case]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const laminate = path.join(import.meta.dirname, "..", "bin", "laminate");
const dashes = process.argv.indexOf("--");
const runs = Number(process.argv[2] ?? 30) || 30;
const extra = dashes < 0 ? [] : process.argv.slice(dashes + 1);
const place = mkdtempSync(path.join(tmpdir(), "laminate-startup-"));
process.once("exit", () => rmSync(place, { recursive: true, force: true }));
mkdirSync(path.join(place, "context"));
writeFileSync(path.join(place, "context", "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\nWORKDIR /app\nENV a=b\nCMD [\"x\"]\n");
const cases = [
  { name: "node -e 0", command: [process.execPath, "-e", "0"] },
  { name: "laminate --version", command: [laminate, "--version"] },
  { name: "laminate --help", command: [laminate, "--help"] },
  { name: "laminate version", command: [laminate, "version"] },
  { name: "laminate build, all cached", command: [laminate, "--root", path.join(place, "store"), "build", "-q", "-t", "startup", path.join(place, "context")] },
  ...(extra.length === 0 ? [] : [{ name: `laminate ${extra.join(" ")}`, command: [laminate, ...extra] }]),
].map((each) => ({ ...each, best: Infinity }));

for (let run = 0; run <= runs; run += 1) {
  for (const each of cases) {
    const started = process.hrtime.bigint();
    const { status, stderr } = spawnSync(each.command[0], each.command.slice(1), { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
    if (status !== 0) throw new Error(`${each.name} ended with ${status}: ${stderr}`);
    if (run > 0) each.best = Math.min(each.best, milliseconds); // the first fills the compile cache
  }
}
for (const { name, best } of cases) console.log(`${name.padEnd(30)} ${best.toFixed(1).padStart(7)} ms  ${(best / cases[0].best).toFixed(2)} x`);
