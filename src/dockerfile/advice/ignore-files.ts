import { isContextCopy, type Lines } from "./lines.ts";
import type { Proposal, Surveyed } from "./proposal.ts";

/** What a COPY of the whole context seldom means: the history of the sources, and what is installed in the image anyway. */
const SELDOM_MEANT = [".git", "node_modules"] as const;

/** Proposes lines for the ignore file. */
export function ignoreProposals(lines: Lines, { has }: Surveyed): Proposal[] {
  const copies = lines.dockerfile.stages.flatMap(({ instructions }) => instructions.filter(isContextCopy));
  const whole = copies.find(({ sources }) => sources.some(({ text }) => /^\.?\/*$/.test(text)));
  if (whole === undefined) return [];
  return SELDOM_MEANT.filter((name) => has(name)).map((name): Proposal => {
    return {
      kind: "ignore",
      title: `leave ${name} out of the build context`,
      line: whole.statement.line.firstLine,
      trial: { kind: "source", except: [], below: name },
      drops: [name],
      apply: ({ dockerfile, ignore = "" }) => (ignore.split(/\r?\n/).includes(name) ? undefined : { dockerfile, ignore: `${ignore}${ignore === "" || ignore.endsWith("\n") ? "" : "\n"}${name}\n` }),
    };
  });
}
