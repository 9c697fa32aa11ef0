import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { findPeers } from "../src/testing/peers.ts";
import { type Exchange, registryProxy } from "../src/testing/registry-proxy.ts";
import { startRegistry } from "../src/testing/registry.ts";
import { dockerMachines, laminateMachines, type Maker } from "./empty-machines.ts";
import { pushBases, writeProject } from "./far-project.ts";
import { median } from "./figures.ts";
import { aboutLine, writeBetweenMarks } from "./pages.ts";

/*
 * `node bench/second-machine.ts [--runs N] [--peer-root DIR] [--write]`: what a cache in a registry spares a machine that
 * has nothing, beside docker. Prints time, bytes and blobs fetched; with --write into docs/performance.md.
 */

interface Seen {
  readonly seconds: number;
  readonly bytes: number;
  readonly blobs: number;
}

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" }, "peer-root": { type: "string" }, write: { type: "boolean", default: false } } });
const found = findPeers(values["peer-root"], process.env);
const directory = mkdtempSync(path.join(found?.work ?? tmpdir(), "second-machine-"));
try {
  await using registry = await startRegistry();
  await using wire = await registryProxy(registry.port);
  const host = `127.0.0.1:${wire.port}`;
  await pushBases(directory, host);
  const makers = [laminateMachines(directory), ...(found === undefined ? [] : [dockerMachines(directory, found)])];
  const rows = new Map<string, Map<string, Seen[]>>();
  for (let run = 0; run < Number(values.runs); run += 1) {
    for (const maker of makers) await measureAll(maker, `${host}/app-${run}-${maker.name.replace(/\W.*/, "")}`, wire.log, (row, seen) => {
      const ofRow = rows.get(row) ?? new Map<string, Seen[]>();
      rows.set(row, ofRow.set(maker.name, [...(ofRow.get(maker.name) ?? []), seen]));
    });
  }
  const text = table(rows, makers.map(({ name }) => name));
  console.log(text);
  if (values.write) writeBetweenMarks("second-machine", text);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** One machine fills the cache, then others that have nothing build the project, as it was and with one source file changed. */
async function measureAll(maker: Maker, repository: string, log: readonly Exchange[], record: (row: string, seen: Seen) => void): Promise<void> {
  const context = path.join(directory, "project");
  writeProject(context, repository.slice(0, repository.indexOf("/")), "one");
  const cache = `${repository}/cache:1`;
  {
    await using first = await maker.machine();
    await first.build(maker.inside(context), "-t", `${repository}/app:1`, "--push", "--cache-to", `type=registry,ref=${cache},mode=max`);
  }
  const from = ["--cache-from", `type=registry,ref=${cache}`];
  const rows: Readonly<Record<string, { readonly source: string; readonly flags: readonly string[] }>> = {
    "nothing changed, all steps asked for": { source: "one", flags: ["-o", "type=cacheonly", ...from] },
    "nothing changed, the image": { source: "one", flags: ["-t", "app", ...from] },
    "one source file changed, the image": { source: "two", flags: ["-t", "app", ...from] },
    "without the cache": { source: "one", flags: ["-t", "app"] },
  };
  for (const [row, { source, flags }] of Object.entries(rows)) {
    writeProject(context, repository.slice(0, repository.indexOf("/")), source);
    await using machine = await maker.machine();
    const before = log.length;
    const start = performance.now();
    await machine.build(maker.inside(context), ...flags);
    const blobs = log.slice(before).filter(({ method, path: asked, status }) => method === "GET" && asked.includes("/blobs/") && status < 300);
    record(row, { seconds: (performance.now() - start) / 1000, bytes: blobs.reduce((sum, { answered }) => sum + answered, 0), blobs: blobs.length });
  }
}

function table(rows: ReadonlyMap<string, ReadonlyMap<string, readonly Seen[]>>, names: readonly string[]): string {
  const cell = (seen: readonly Seen[]): string => `${median(seen.map(({ seconds }) => seconds)).toFixed(2)} s, ${(median(seen.map(({ bytes }) => bytes)) / 1e6).toFixed(1)} MB in ${median(seen.map(({ blobs }) => blobs))} blobs`;
  const lines = [...rows].map(([row, of]) => `| ${row} | ${names.map((name) => cell(of.get(name)!)).join(" | ")} |`);
  return [aboutLine(`the median of ${values.runs}, `, "node bench/second-machine.ts"), "", `| a machine that has nothing | ${names.join(" | ")} |`, `|---|${names.map(() => "---|").join("")}`, ...lines].join("\n");
}
