import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Person } from "./ask-laminate.ts";
import type { Answer, Case } from "./case-file.ts";
import { topicOf } from "./corpus.ts";
import { judge, type Verdict } from "./judge.ts";

const PAGE = path.join(import.meta.dirname, "../../../docs/conformance.md");

type Answers = ReadonlyMap<Person, ReadonlyMap<string, Answer>>;

/** A row for each topic: its cases, and for each person how many of them are equal and how many differ on purpose. */
export function conformanceTable(cases: readonly Case[], answers: Answers): string {
  const topics = [...new Set(cases.map(topicOf))].sort();
  const rows = [...topics.map((topic) => row(topic, cases.filter((one) => topicOf(one) === topic), answers)), row("**all**", cases, answers)];
  const columns = ["topic", "cases", "docker refuses", ...[...answers.keys()].flatMap((person) => [`${person}: equal`, "different on purpose", "different"])];
  return [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function row(name: string, cases: readonly Case[], answers: Answers): string[] {
  const refused = cases.filter(({ answer }) => answer.has("refused")).length;
  return [name, String(cases.length), String(refused), ...[...answers].flatMap(([person, given]) => counts(cases.filter(({ settings }) => (settings.get("only") ?? person) === person), given))];
}

function counts(cases: readonly Case[], given: ReadonlyMap<string, Answer>): string[] {
  const verdicts = cases.map((one) => judge(one, given.get(one.id)!));
  return (["equal", "on purpose", "different"] satisfies Verdict[]).map((verdict) => String(verdicts.filter((one) => one === verdict).length));
}

/** Writes docs/conformance.md: the table, and what differs on purpose. */
export function writePage(cases: readonly Case[], answers: Answers): void {
  const purposes = cases.filter(({ ours }) => ours.size > 0).map(({ id, about, settings }) => `- \`${id}\`: ${about} In docs/differences.md: *${settings.get("differs")}*.\n`);
  writeFileSync(PAGE, `# Conformance

<!-- Written by npm run conformance -- --write; do not edit. -->

What Laminate makes of the cases in [test/conformance](../test/conformance/README.md), as root and as an ordinary user, held against what docker (BuildKit) makes of them: the image's configuration, its history, and its files with type, mode, owner, size, content, links, times and attributes.

${conformanceTable(cases, answers)}
## Different on purpose

${purposes.join("")}`);
}
