import type { ImageChange } from "../../api/diff.ts";
import { defineCommand } from "../command.ts";
import { humanSize } from "../format.ts";
import { printable } from "../printable.ts";

const LETTERS = { added: "A", changed: "C", deleted: "D" } as const;

export const command = defineCommand({
  name: "diff",
  summary: "Show what differs between the files of two images",
  usage: "[OPTIONS] IMAGE IMAGE",
  examples: ["laminate diff test-image:1 test-image:2", "laminate diff --format json test-image:1 test-image:2"],
  flags: { format: { kind: "string", value: "json", choices: ["json"], summary: "As JSON" } },
  arguments: { min: 2, max: 2 },
  async run(context, values, [before, after]) {
    const [{ diff }, { open }] = await Promise.all([import("../../api/diff.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const changes = await diff(laminate, { before: before!, after: after! });
    context.stdout.write(values.format === undefined ? printable(changes.map((change) => `${line(change)}\n`).join("")) : `${JSON.stringify(changes, null, 2)}\n`);
    return 0;
  },
});

/** Letters as in `docker diff`. */
function line({ kind, path, what, before, after }: ImageChange): string {
  const sizes = kind === "changed" ? (before === after ? "" : ` ${humanSize(before!)} -> ${humanSize(after!)}`) : sized(after ?? before!);
  return `${LETTERS[kind]} ${path}${what.length === 0 ? "" : `  (${what.map(factText).join(", ")})`}${sizes}`;
}

function factText({ fact, before, after }: ImageChange["what"][number]): string {
  return before === undefined ? fact : `${fact} ${before} -> ${after}`;
}

function sized(bytes: number): string {
  return bytes === 0 ? "" : `  ${humanSize(bytes)}`;
}
