import { parseArgs } from "node:util";
import { spawnSync } from "node:child_process";
import { findPeers, type Peers } from "../peers.ts";
import { ask } from "./ask.ts";
import { askLaminate, PERSONS, type Person } from "./ask-laminate.ts";
import type { Answer, Case } from "./case-file.ts";
import { casesOf, type Choice, recordAnswer } from "./corpus.ts";
import { dockerEngine } from "./docker-engine.ts";
import { conformanceTable, writePage } from "./page.ts";
import { comparable, expectedOf, judge, oursBeside } from "./judge.ts";

const HELP = `Usage: npm run conformance -- [OPTIONS]

Builds the cases below test/conformance with Laminate of this checkout, as root and as an ordinary user,
and holds what came out against docker's answers: the recorded ones, or with a peer those of the real docker.

      --peer-root DIR    the root directory of the peers (default: PEER_ROOT): docker is asked too
      --start SCRIPT     a program that brings the peers up
      --only TEXT        cases whose names hold this
      --as PERSON        root or user (default: both)
      --generate SEED    instead: cases made of this number, which docker must be there to answer
      --write            record docker's answers, where it was asked, and ours that differ on purpose;
                         of all cases and persons also docs/conformance.md
      --help             this`;

const { values } = parseArgs({
  options: {
    "peer-root": { type: "string" }, start: { type: "string" }, only: { type: "string", default: "" }, as: { type: "string" }, generate: { type: "string" },
    write: { type: "boolean", default: false }, help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(HELP);
else await main().catch((error: unknown) => {
  console.error(`conformance: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  if (values.start !== undefined) run(values.start);
  const peers = findPeers(values["peer-root"], process.env);
  const choice = { text: values.only, ...(values.generate === undefined ? {} : { seed: Number(values.generate) }) };
  if (peers === undefined && values.generate !== undefined) throw new Error("--generate needs docker to say what is right: --peer-root DIR, or PEER_ROOT, says where it is");
  const persons = PERSONS.filter((person) => values.as === undefined || person === values.as);
  const answers = new Map<Person, Map<string, Answer>>();
  for (const person of persons) answers.set(person, await askLaminate(person, choice));
  const docker = peers === undefined ? undefined : await askDocker(peers, choice);
  if (values.generate !== undefined) return reportAll(answers, casesOf(choice).map((one) => ({ ...one, answer: docker!.get(one.id)! })));
  if (values.write) record(docker, answers.get(persons[0]!), choice);
  else if (docker !== undefined) tellDrift(docker, choice);
  const cases = casesOf(choice);
  reportAll(answers, cases);
  console.log(`\n${conformanceTable(cases, answers)}`);
  if (values.write && values.only === "" && values.as === undefined) writePage(cases, answers);
}

async function askDocker(peers: Peers, choice: Choice): Promise<Map<string, Answer>> {
  await using engine = dockerEngine(peers);
  return await ask(engine, casesOf(choice));
}

/** Tells where docker answers otherwise than is recorded. */
function tellDrift(docker: ReadonlyMap<string, Answer>, choice: Choice): void {
  for (const { id, answer } of casesOf(choice)) if (!sameAnswer(docker.get(id)!, answer)) console.log(`${id}: docker answers otherwise than is recorded`);
}

/** Puts docker's answers into the cases, and ours where they differ on purpose. */
function record(docker: ReadonlyMap<string, Answer> | undefined, laminate: ReadonlyMap<string, Answer> | undefined, choice: Choice): void {
  for (const one of casesOf(choice)) {
    const theirs = docker?.get(one.id) ?? one.answer;
    const ours = laminate?.get(one.id);
    recordAnswer(one, theirs, !one.settings.has("differs") ? new Map() : ours === undefined ? one.ours : oursBeside(theirs, ours));
  }
}

function reportAll(answers: ReadonlyMap<Person, ReadonlyMap<string, Answer>>, cases: readonly Case[]): void {
  for (const [person, given] of answers) report(person, given, cases.filter((one) => (one.settings.get("only") ?? person) === person));
}

function report(person: Person, answers: ReadonlyMap<string, Answer>, cases: readonly Case[]): void {
  const counts = { equal: 0, "on purpose": 0, different: 0 };
  for (const one of cases) {
    const verdict = judge(one, answers.get(one.id)!);
    counts[verdict] += 1;
    if (verdict === "different") console.log(difference(one, person, answers.get(one.id)!));
  }
  console.log(`${person}: ${cases.length} cases, ${counts.equal} equal, ${counts["on purpose"]} different on purpose, ${counts.different} different`);
  if (counts.different > 0) process.exitCode = 1;
}

/** The lines that one of two answers has and the other has not. */
function difference(one: Case, person: Person, answer: Answer): string {
  const wanted = expectedOf(one);
  const got = comparable(answer);
  const said = [...new Set([...wanted.keys(), ...got.keys()])].flatMap((title) => {
    const [theirs, ours] = [wanted, got].map((side) => (side.get(title) ?? "").split("\n"));
    const lines = [...theirs!.filter((line) => !ours!.includes(line)).map((line) => `  - ${line}`), ...ours!.filter((line) => !theirs!.includes(line)).map((line) => `  + ${line}`)];
    return wanted.has(title) && got.has(title) && wanted.get(title) === got.get(title) ? [] : [` ${title}${wanted.has(title) ? "" : " (only ours)"}${got.has(title) ? "" : " (only docker's)"}`, ...lines];
  });
  return [`${one.id} (${person}): ${one.about}`, ...said, ...complaints(one, answer), ""].join("\n");
}

function complaints(one: Case, answer: Answer): string[] {
  const [theirs, ours] = [one.answer, answer].map((side) => side.get("refused")?.trim());
  return [...(theirs === undefined ? [] : [`  docker: ${theirs}`]), ...(ours === undefined ? [] : [`  laminate: ${ours}`])];
}

function sameAnswer(one: Answer, other: Answer): boolean {
  return one.size === other.size && [...one].every(([title, body]) => title === "refused" || other.get(title) === body);
}

function run(script: string): void {
  const { status, error } = spawnSync(script, { stdio: "inherit" });
  if (status !== 0) throw error ?? new Error(`--start: ${script} ended with ${status}`);
}
