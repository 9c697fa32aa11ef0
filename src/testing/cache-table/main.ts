import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { findPeers } from "../peers.ts";
import { dockerEngine } from "./docker-engine.ts";
import type { CacheEngine } from "./engine.ts";
import { laminateEngine } from "./laminate-engine.ts";
import { cacheTablePage, PAGE } from "./page.ts";
import { askRows } from "./run-row.ts";
import { readTable, recordSteps, type Row, verdictOf } from "./table.ts";

const HELP = `Usage: npm run cache-table -- [OPTIONS]

Makes the changes of test/cache-table, and holds the steps that run again against those that are written there:
with Laminate of this checkout, and where there is a peer with the real docker.

      --peer-root DIR    the root directory of the peers (default: PEER_ROOT): docker is asked too
      --only TEXT        rows whose topic or name holds this
      --theirs           only docker is asked
      --write            record the answers, and write docs/cache-table.md
      --help             this`;

const { values } = parseArgs({
  options: { "peer-root": { type: "string" }, only: { type: "string", default: "" }, theirs: { type: "boolean", default: false }, write: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
});

if (values.help) console.log(HELP);
else await main().catch((error: unknown) => {
  console.error(`cache-table: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const topics = readTable();
  const rows = topics.flatMap((topic) => topic.rows).filter(({ id }) => id.includes(values.only));
  const peers = findPeers(values["peer-root"], process.env);
  const here = values.theirs ? new Map<string, readonly string[]>() : await ask(laminateEngine, rows);
  const docker = peers === undefined ? new Map<string, readonly string[]>() : await ask(() => dockerEngine(peers), rows.filter(({ unasked }) => unasked === undefined));
  for (const row of rows) tell(row, here.get(row.id), docker.get(row.id));
  if (!values.write) return;
  for (const topic of topics) recordSteps(topic, here, docker);
  writeFileSync(PAGE, cacheTablePage(readTable()));
}

async function ask(open: () => Promise<CacheEngine>, rows: readonly Row[]): Promise<Map<string, readonly string[]>> {
  await using engine = await open();
  return await askRows(engine, rows);
}

/** What is not as it is written, and what is not as docker has it without a reason. */
function tell(row: Row, here: readonly string[] | undefined, docker: readonly string[] | undefined): void {
  for (const [who, said, written] of [["here", here, row.here], ["docker", docker, row.docker]] as const) {
    if (said === undefined || said.join("\n") === written?.join("\n")) continue;
    console.log([`${row.id} (${who})`, ...(written ?? []).map((line) => `  - ${line}`), ...said.map((line) => `  + ${line}`)].join("\n"));
  }
  const now = { ...row, here: here ?? row.here, docker: docker ?? row.docker };
  const verdict = verdictOf(now);
  if (verdict !== "equal" && row.why === undefined && row.unasked === undefined) console.log(`${row.id}: ${verdict ?? "not asked"}, and no reason is given\n  here:   ${now.here.join("\n          ")}\n  docker: ${now.docker?.join("\n          ") ?? ""}`);
}
