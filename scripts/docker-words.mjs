// Compares the expansion of generated words with a real docker's: each is a LABEL, dozens to a build. Prints what differs.
//   DOCKER="docker" BASE=busybox CONTEXT=DIR node scripts/docker-words.mjs [WORDS] [SEED]
// DOCKER is the command, BASE an image that it has, CONTEXT a small directory that it sees.
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { build } from "../src/testing/lowering.ts";

const [command, ...before] = (process.env.DOCKER ?? "docker").split(" ");
const docker = (words, input) => spawnSync(command, [...before, ...words], { input, encoding: "utf8", timeout: 120_000 });
const context = process.env.CONTEXT ?? ".";
const HEAD = "ARG x=a/b.a*b\nARG e=\nARG y=aab\n";
const ours = (body) => build(`FROM debian\n${HEAD}${body}`).then(({ config }) => config.Labels, () => undefined);
const theirs = (body, ...flags) => docker(["build", "-q", ...flags, "-f", "-", context], `FROM ${process.env.BASE ?? "busybox"}\n${HEAD}${body}`).status === 0;
const TAG = "laminate-words";

const { word } = fc.letrec((tie) => {
  const joined = (parts, range) => fc.array(parts, range).map((all) => all.join(""));
  const some = fc.oneof({ maxDepth: 3 }, tie("plain"), tie("substitution"), tie("quoted"));
  return {
    name: fc.constantFrom("x", "u", "e", "y"),
    plain: fc.constantFrom("a", "b", "/", ".", "é", "-", "\\$", "\\\\", "\\a", ":", "#", "*", "?", "$", "%", "\\'", '\\"'),
    pattern: joined(fc.constantFrom("a", "b", "*", "?", ".", "\\/", "\\*", "\\}", "$x", "${u}", "\\\\", '"a"', "'b'"), { maxLength: 4 }),
    substitution: fc.oneof(
      fc.tuple(tie("name"), fc.constantFrom(":-", ":+", "-", "+", "#", "##", "%", "%%", ":?", "?"), tie("inner")).map(([name, operator, inner]) => `\${${name}${operator}${inner}}`),
      fc.tuple(tie("name"), fc.constantFrom("/", "//"), tie("pattern"), tie("inner")).map(([name, operator, pattern, inner]) => `\${${name}${operator}${pattern}/${inner}}`),
      fc.tuple(tie("name"), fc.constantFrom("#", "##", "%", "%%"), tie("pattern")).map(([name, operator, pattern]) => `\${${name}${operator}${pattern}}`),
      tie("name").map((name) => `\${${name}}`),
      tie("name").map((name) => `$${name}`),
    ),
    quoted: fc.oneof(tie("inner").map((inner) => `"${inner}"`), fc.constantFrom("'a $x'", "'\\'", "''", '"\\a\\"b"')),
    inner: joined(some, { maxLength: 3 }),
    word: joined(some, { minLength: 1, maxLength: 4 }),
  };
});

const seed = Number(process.argv[3] ?? 1);
// A backslash at the end would take the next line in.
const words = [...new Set(fc.sample(word, { numRuns: Number(process.argv[2] ?? 500), seed }))].filter((one) => !one.endsWith("\\"));
const taken = [];
const refused = [];
for (const one of words) {
  const labels = await ours(`LABEL l=p${one}\n`);
  if (labels === undefined || Object.keys(labels).length !== 1) refused.push(one);
  else taken.push([one, labels.l]);
}
let differing = 0;
for (let at = 0; at < taken.length; at += 80) compare(taken.slice(at, at + 80));
for (const one of refused) if (theirs(`LABEL l=p${one}\n`)) differs(one, "docker takes it");
docker(["rmi", TAG]);
console.log(`${taken.length} words expanded, ${refused.length} refused: ${differing} differ (seed ${seed})`);

function compare(list) {
  if (theirs(list.map(([one], place) => `LABEL l${place}=p${one}\n`).join(""), "-t", TAG)) {
    const labels = JSON.parse(docker(["inspect", TAG, "--format", "{{json .Config.Labels}}"]).stdout);
    for (const [place, [one, value]] of list.entries()) if (labels[`l${place}`] !== value) differs(one, `docker ${JSON.stringify(labels[`l${place}`])}, laminate ${JSON.stringify(value)}`);
  } else if (list.length === 1) {
    differs(list[0][0], "docker refuses it");
  } else {
    compare(list.slice(0, list.length >> 1));
    compare(list.slice(list.length >> 1));
  }
}

function differs(one, how) {
  differing += 1;
  console.log(`${JSON.stringify(one)}: ${how}`);
}
