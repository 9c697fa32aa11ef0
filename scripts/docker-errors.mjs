// Asks a real docker about every bad Dockerfile of test/golden/errors and writes down what it says; prints those it takes.
//   DOCKER="docker" BASE=busybox CONTEXT=DIR node scripts/docker-errors.mjs [SUBJECT…]
// DOCKER is the command, BASE an image that stands for those of the cases, CONTEXT a directory that docker sees.
import { spawnSync } from "node:child_process";
import { errorSubjects, readErrorCases, writeErrorCases } from "../src/testing/error-cases.ts";

const [command, ...words] = (process.env.DOCKER ?? "docker").split(" ");
const base = process.env.BASE ?? "busybox:latest";
const bases = ["debian", "debian:12"].map((name) => `--build-context=${name}=docker-image://${base}`);
const subjects = process.argv.length > 2 ? process.argv.slice(2) : errorSubjects();

for (const subject of subjects) {
  const cases = readErrorCases(subject).map((one) => ({ ...one, docker: ask(one) }));
  writeErrorCases(subject, cases);
  for (const { name, docker } of cases) if (docker === "(nothing: it builds)\n") console.log(`${subject}: ${name}`);
}

function ask({ dockerfile, flags }) {
  const line = ["build", "--progress=plain", "--output=type=cacheonly", ...bases, ...flags, "-f", "-", process.env.CONTEXT ?? "."];
  const { status, stderr } = spawnSync(command, [...words, ...line], { input: dockerfile, encoding: "utf8", timeout: 60_000 });
  if (status === 0) return "(nothing: it builds)\n";
  // oxlint-disable-next-line no-control-regex -- colours
  const plain = stderr.replaceAll(/\u001b\[\d*m/g, "").split("\n");
  const told = plain.filter((text) => text.startsWith("ERROR: ")).at(-1) ?? "(killed)";
  // What a registry or this machine's network says is no matter of docker's words.
  return `${told.replace("ERROR: failed to build: failed to solve: ", "").replace(/: failed to do request: .*?(?= \(did you mean|$)/, "")}\n`;
}
