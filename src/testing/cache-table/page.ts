import path from "node:path";
import { causeOf, type Row, stepOf, type Topic, verdictOf } from "./table.ts";

export const PAGE = path.join(import.meta.dirname, "../../../docs/cache-table.md");

/** docs/cache-table.md: what the table says, for people. */
export function cacheTablePage(topics: readonly Topic[]): string {
  const rows = topics.flatMap((topic) => topic.rows);
  const count = (verdict: string) => rows.filter((row) => verdictOf(row) === verdict).length;
  const unasked = rows.filter(({ unasked }) => unasked !== undefined).length;
  return `# What runs again

<!-- Written by npm run cache-table -- --write; do not edit. -->

The contract of the [build cache](cache.md): for each change the steps that run again, and why, beside those that docker (BuildKit) runs. Every row is a test of Laminate as it stands, and docker's answers are those of the real one: the data, and how they are measured, are in [test/cache-table](../test/cache-table/README.md).

${rows.length} changes: in ${count("equal")} the same steps run as in docker, in ${count("better")} Laminate does better, in ${count("worse")} worse, in ${count("other")} otherwise${unasked === 0 ? "" : `; ${unasked} are not docker's to answer`}.

${topics.map(section).join("\n")}`;
}

function section({ title, about, files, rows }: Topic): string {
  const shown = files.filter(({ name }) => name.endsWith("Dockerfile"));
  const text = shown.map(({ body }) => `\`\`\`dockerfile\n${body}\`\`\`\n`).join("\n");
  const columns = ["change", "runs again here", "because", "runs again in docker", "", "reason"];
  return `## ${title}\n\n${about === "" ? "" : `${about}\n\n`}${text}\n${[columns, columns.map(() => "---"), ...rows.map(cells)].map((line) => `| ${line.join(" | ")} |\n`).join("")}`;
}

function cells(row: Row): string[] {
  const { name, here, docker, why, unasked } = row;
  return [cell(name), stepsCell(here.map(stepOf)), cell((here[0] === undefined ? undefined : causeOf(here[0])) ?? ""), docker === undefined ? "" : stepsCell(docker), verdictOf(row) ?? "", cell(why ?? unasked ?? "")];
}

function stepsCell(steps: readonly string[]): string {
  return steps.length === 0 ? "nothing" : steps.map((step) => `\`${cell(step.replaceAll("`", "'"))}\``).join("<br>");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
